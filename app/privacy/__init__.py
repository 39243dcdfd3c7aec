"""Being forgotten: who may ask for it, and how nothing personal is left."""
