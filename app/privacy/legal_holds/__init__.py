"""Legal holds: a customer's data must stay for a while, whoever asks for its erasure."""
