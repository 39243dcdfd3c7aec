// Starts GraphiQL with the configuration that stands in the page. Nothing here is inline, nothing is evaluated.
"use strict";

{
  const configured = document.getElementById("configuration").textContent;
  const { endpoint, headers, tabs } = JSON.parse(configured);
  const defaultHeaders = Object.keys(headers).length > 0 ? JSON.stringify(headers, null, 2) : "";
  const defaultTabs = tabs.map((tab) => ({ ...tab, headers: defaultHeaders }));

  // Under a name of its own: whatever else is developed on the same host and port has tabs of a GraphiQL too.
  const prefix = "patron:";
  const ownKeys = () => Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  const storage = {
    getItem: (key) => localStorage.getItem(prefix + key),
    setItem: (key, value) => localStorage.setItem(prefix + key, value),
    removeItem: (key) => localStorage.removeItem(prefix + key),
    clear: () => ownKeys().forEach((key) => localStorage.removeItem(key)),
    get length() {
      return ownKeys().length;
    },
  };

  // A database made anew has a new key, and remembered tabs would go on sending the old one: other headers or other
  // examples start afresh.
  function forgetOutdatedTabs() {
    if (storage.getItem("configuration") === configured) return;
    ["tabState", "query", "variables", "headers"].forEach((key) => storage.removeItem(`graphiql:${key}`));
    storage.setItem("configuration", configured);
  }

  // GraphiQL opens an untitled tab at every reload unless told the contents of a tab it remembers, and leaves the
  // variables of the first example empty unless told those.
  function openTab() {
    const remembered = JSON.parse(storage.getItem("graphiql:tabState"));
    return remembered?.tabs[remembered.activeTabIndex] ?? defaultTabs[0];
  }

  async function fetcher(parameters, options) {
    const sent = new Headers(options?.headers);
    sent.set("content-type", "application/json");
    if (!sent.has("accept")) sent.set("accept", "application/graphql-response+json, application/json");
    const response = await fetch(endpoint, { method: "POST", headers: sent, body: JSON.stringify(parameters) });
    const answer = await response.text();
    try {
      return JSON.parse(answer);
    } catch {
      // Not from the service: a proxy in between, say.
      return { errors: [{ message: `HTTP ${response.status} ${response.statusText}: ${answer}` }] };
    }
  }

  // Tabs stand in several rows (start.css), but GraphiQL moves them as if in one: a hand that trembles while it clicks
  // would shuffle them all.
  function keepTabsInPlace(event) {
    if (event.target.closest(".graphiql-tab")) event.stopPropagation();
  }

  forgetOutdatedTabs();
  const { query, variables, headers: openHeaders } = openTab();
  const { createElement } = React;
  const application = createElement(
    GraphiQL,
    {
      fetcher,
      storage,
      defaultTabs,
      defaultHeaders,
      query,
      variables,
      headers: openHeaders,
      defaultEditorToolsVisibility: true,
      isHeadersEditorEnabled: true,
      inputValueDeprecation: true,
      // Once somebody has chosen not to keep headers, a reload keeps the choice, and the setting to undo it.
      shouldPersistHeaders: storage.getItem("graphiql:shouldPersistHeaders") !== "false",
      showPersistHeadersSettings: true,
    },
    createElement(GraphiQL.Logo, null, "Patron"),
  );
  const place = document.getElementById("graphiql");
  place.addEventListener("pointerdown", keepTabsInPlace, { capture: true });
  ReactDOM.createRoot(place).render(application);
}
