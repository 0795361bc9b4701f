"""A certificate authority of our own, for an hour, and what it signs for `localhost` and 127.0.0.1."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HERE = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])


class Authority:
    """`path`: what has to be trusted (`SSL_CERT_FILE`). `certificate` and `key`: the server's, made by `issue`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "authority.pem"
        self.certificate, self.key = folder / "server.pem", folder / "server.key"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("KP7 test authority")
        itself = _certificate(self._name, self._name, self._key, 3650).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.path.write_bytes(itself.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def issue(self, days: float = 90) -> ssl.SSLContext:
        """For a server on this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        asked = _certificate(_name("localhost"), self._name, key, days).add_extension(HERE, critical=False)
        self.certificate.write_bytes(asked.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
    )
