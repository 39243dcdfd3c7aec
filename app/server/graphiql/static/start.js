// Starts GraphiQL with the configuration that stands in the page. Nothing here is inline, nothing is evaluated.
"use strict";

{
  const configured = document.getElementById("configuration").textContent;
  const { createElement } = React;
  const { endpoint, headers, tabs, groups } = JSON.parse(configured);
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
    // Whoever logged in last, unless the headers say who asks: an empty Authorization is a guest's.
    if (login.token && !sent.has("authorization")) sent.set("authorization", `Bearer ${login.token}`);
    if (!sent.get("authorization")) sent.delete("authorization");
    const response = await fetch(endpoint, { method: "POST", headers: sent, body: JSON.stringify(parameters) });
    const answer = await response.text();
    try {
      const result = JSON.parse(answer);
      login.follow(result.data);
      return result;
    } catch {
      // Not from the service: a proxy in between, say.
      return { errors: [{ message: `HTTP ${response.status} ${response.statusText}: ${answer}` }] };
    }
  }

  // The access token of the last login: in memory only, so that a reload forgets it.
  const login = {
    token: null,
    shown: () => {},
    follow(data) {
      const answered = Object.values(data ?? {}).find((payload) => payload?.tokens?.accessToken);
      if (answered) this.set(answered.tokens.accessToken);
      else if (data?.logout?.userErrors?.length === 0 || data?.logoutEverywhere?.userErrors?.length === 0) this.set(null);
    },
    set(token) {
      this.token = token;
      this.shown(token);
    },
  };

  function Icon() {
    const lines = [6, 12, 18].map((y) => createElement("path", { key: y, d: `M4 ${y}h16` }));
    return createElement(
      "svg",
      { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 1.5, "aria-hidden": true },
      lines,
    );
  }

  // All operations in groups; one that is open already is chosen, any other gets a tab of its own.
  function Operations() {
    const editor = GraphiQL.React.useEditorContext({ nonNull: true });
    const [token, setToken] = React.useState(login.token);
    const [wanted, setWanted] = React.useState(null);
    login.shown = setToken;
    React.useEffect(() => {
      if (wanted === null || editor.activeTabIndex !== editor.tabs.length - 1) return;
      editor.queryEditor?.setValue(wanted.query);
      editor.variableEditor?.setValue(wanted.variables);
      editor.headerEditor?.setValue(defaultHeaders);
      setWanted(null);
    }, [wanted, editor.tabs.length]);
    function open(operation) {
      const index = editor.tabs.findIndex((tab) => tab.query === operation.query);
      if (index >= 0) editor.changeTab(index);
      else {
        editor.addTab();
        setWanted(operation);
      }
    }
    const list = groups.map(({ name, operations }) => [
      createElement("h2", { key: `${name} heading` }, name),
      createElement(
        "ul",
        { key: name, "aria-label": name },
        operations.map((one) =>
          createElement(
            "li",
            { key: one.name },
            createElement("button", { type: "button", onClick: () => open(one) }, one.name),
          ),
        ),
      ),
    ]);
    const who = token ? "The next request is sent as who logged in last." : "After a login the next request is sent with its token.";
    const forget = createElement("button", { key: "forget", type: "button", onClick: () => login.set(null) }, "Be a guest again");
    return createElement(
      "section",
      { className: "patron-operations" },
      createElement("h1", { className: "graphiql-doc-explorer-title" }, "Operations"),
      createElement("p", { role: "status" }, who),
      token ? forget : null,
      list,
    );
  }

  // Tabs stand in several rows (start.css), but GraphiQL moves them as if in one: a hand that trembles while it clicks
  // would shuffle them all.
  function keepTabsInPlace(event) {
    if (event.target.closest(".graphiql-tab")) event.stopPropagation();
  }

  forgetOutdatedTabs();
  const { query, variables, headers: openHeaders } = openTab();
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
      plugins: groups.length > 0 ? [{ title: "Operations", icon: Icon, content: Operations }] : [],
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
