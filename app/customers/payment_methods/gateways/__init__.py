"""Payment gateways: what they can do for us, and the ones we know."""

from app.customers.payment_methods.gateways.interface import Gateway, Gateways
from app.customers.payment_methods.gateways.sandbox import SandboxGateway

__all__ = ["Gateway", "Gateways", "SandboxGateway"]
