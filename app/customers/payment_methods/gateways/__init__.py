"""Payment gateways: the interface, the sandbox and Stripe."""

from app.customers.payment_methods.gateways.interface import Gateway, Gateways
from app.customers.payment_methods.gateways.sandbox import SandboxGateway

__all__ = ["Gateway", "Gateways", "SandboxGateway"]
