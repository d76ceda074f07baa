"""A real LDAP directory for tests: a `slapd` of the test's own, with a certificate of an authority that the test makes."""

from __future__ import annotations

import datetime as dt
import ipaddress
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/libexec")
BASE, PEOPLE = "dc=example,dc=org", "ou=people,dc=example,dc=org"
READER, READER_PASSWORD = f"cn=reader,{BASE}", "the reader's password"
DIRECTORY_PASSWORD = "granite in the directory"
NAMES = ("tess", "ada", "sam", "lone wolf")

_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
TLSCACertificateFile {folder}/authority.pem
allow bind_anon_dn bind_anon_cred
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by users read by anonymous auth
"""
# `bind_anon_cred` lets a name with an empty password in, as some directories do: the site must not take that for a sign-in.

_TOP = """dn: {base}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: {people}
objectClass: organizationalUnit
ou: people

dn: {reader}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {reader_password}
"""

_PERSON = """
dn: uid={name},{people}
objectClass: inetOrgPerson
uid: {name}
cn: {name}
sn: Directory
givenName: {given}
mail: {mail}@example.org
userPassword: {password}
"""


@dataclass(frozen=True)
class LdapServer:
    """A running directory: its folder and its ports."""

    folder: Path
    plain: int
    tls: int
    process: subprocess.Popen[bytes]

    @property
    def authority(self) -> str:
        """The path of the certificate that the server's was signed with."""
        return str(self.folder / "authority.pem")

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait(20)


def start(folder: Path) -> LdapServer:
    """Make a directory with some people, and serve it on this machine."""
    assert SLAPD is not None
    (folder / "data").mkdir()
    _make_certificates(folder)
    configuration = folder / "slapd.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, base=BASE, reader=READER))
    entries = _TOP.format(base=BASE, people=PEOPLE, reader=READER, reader_password=READER_PASSWORD)
    for name in NAMES:
        entries += _PERSON.format(
            name=name,
            people=PEOPLE,
            given=name.title(),
            mail=name.replace(" ", "."),
            password=DIRECTORY_PASSWORD,
        )
    # One program that is called by several names.
    add = [SLAPD, "-Tadd", "-f", str(configuration)]
    subprocess.run(add, input=entries.encode(), check=True, capture_output=True)
    plain, tls = _free_port(), _free_port()
    hosts = f"ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{tls}/"
    process = subprocess.Popen(
        [SLAPD, "-d", "0", "-h", hosts, "-f", str(configuration)], stdin=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", tls)) == 0:
                break
        time.sleep(0.05)
    return LdapServer(folder, plain, tls, process)


def subject_of(server: LdapServer, name: str) -> str:
    """Return the `entryUUID` of a person, as the directory says it."""
    assert SLAPD is not None
    command = [SLAPD, "-Tcat", "-f", str(server.folder / "slapd.conf"), "-a", f"(uid={name})"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return next(line.partition(": ")[2] for line in text.splitlines() if line.startswith("entryUUID:"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _make_certificates(folder: Path) -> None:
    """Write an authority, and a certificate for 127.0.0.1 that it signed."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)

    def signed(subject: x509.Name, public: ec.EllipticCurvePublicKey, *, authority: bool) -> x509.Certificate:
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(here, critical=False)
            .sign(authority_key, hashes.SHA256())
        )

    pem = serialization.Encoding.PEM
    root = signed(authority_name, authority_key.public_key(), authority=True)
    (folder / "authority.pem").write_bytes(root.public_bytes(pem))
    (folder / "server.pem").write_bytes(signed(name, key.public_key(), authority=False).public_bytes(pem))
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
