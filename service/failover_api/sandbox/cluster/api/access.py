"""What a client needs: a certificate for TLS, and a kubeconfig.

kubectl sends a token over TLS only.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
from typing import TYPE_CHECKING

from failover_api.sandbox.cluster.api.accounts import ADMIN_TOKEN

if TYPE_CHECKING:
    from pathlib import Path

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


def make_certificate(file: Path) -> Path:
    """Writes a key and a certificate for 127.0.0.1 into `file`, in PEM; gives it back."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sandbox")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.touch(mode=0o600)
    secret = key.private_bytes(pem, form, serialization.NoEncryption())
    file.write_bytes(secret + certificate.public_bytes(pem))
    return file


def kubeconfig(url: str, *, token: str = ADMIN_TOKEN, certificate: Path | None = None) -> str:
    """As text (JSON is YAML). `certificate` is the file that the server was given."""
    cluster = {"server": url}
    if certificate is not None:
        pem = certificate.read_bytes()
        authority = pem[pem.index(_CERTIFICATE) :]
        cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
    named = {
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": "person", "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "person"}}],
    }
    return json.dumps({"apiVersion": "v1", "kind": "Config", **named, "current-context": "sandbox"}, indent=1)
