"""One-time proofs: what a link or a code from a mail proves, once and for a while."""
