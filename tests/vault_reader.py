#!/usr/bin/env python3
"""Opens a vault, or a backup of one, by docs/vault-format.md alone, and prints what is in it as JSON.

Nothing of Podpis is used: this is the proof that the page is enough for somebody else to write a reader. Exits 1
and names the row when anything is not as the page says.

    vault_reader.py FILE --pin-file FILE [--so]
"""

import argparse
import hashlib
import hmac
import json
import sqlite3
import struct
import sys
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CKA_CLASS, CKA_PRIVATE, CKA_LABEL, CKA_VALUE, CKA_ID, CKA_EC_POINT = 0, 2, 3, 0x11, 0x102, 0x181
CLASSES = {0: "data", 1: "certificate", 2: "public key", 3: "private key", 4: "secret key"}
P256 = bytes.fromhex("06082a8648ce3d030107")
NONE = bytes(32)


class Damaged(Exception):
    pass


def u32(n):
    return struct.pack(">I", n)


def u64(n):
    return struct.pack(">Q", n)


def domain(name):
    return b"podpis vault 1 " + name + b"\0"


def sha256(*pieces):
    return hashlib.sha256(b"".join(pieces)).digest()


def expand(key, purpose):
    """HKDF-Expand (RFC 5869) to 32 bytes: one block of SHA-256."""
    return hmac.new(key, b"podpis vault 1 " + purpose + b"\x01", hashlib.sha256).digest()


def require(condition, what):
    if not condition:
        raise Damaged(what)


def records(data):
    at = 0
    while at < len(data):
        require(at + 8 <= len(data), "a record is cut short")
        kind, length = struct.unpack_from(">II", data, at)
        require(at + 8 + length <= len(data), "a record is cut short")
        yield kind, data[at + 8:at + 8 + length]
        at += 8 + length


class Wrap:
    def __init__(self, uuid, row):
        self.role, self.n, self.r, self.p, self.salt, self.wrapped, self.tries, checksum = row
        self.bound = domain(b"pin") + uuid + u32(self.role) + u64(self.n) + u32(self.r) + u32(self.p) + self.salt
        self.digest = sha256(self.bound, self.wrapped)
        require(checksum == sha256(domain(b"tries"), self.digest, u32(self.tries)), f"pin {self.role}")

    def open(self, pin):
        key = hashlib.scrypt(pin, salt=self.salt, n=self.n, r=self.r, p=self.p, maxmem=256 * self.n * self.r, dklen=32)
        try:
            return AESGCM(key).decrypt(self.wrapped[:12], self.wrapped[12:], self.bound)
        except InvalidTag:
            raise Damaged("the PIN is wrong") from None


class Vault:
    def __init__(self, path):
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        require(self.one("PRAGMA application_id") == (0x50445056,), "not a vault")
        require(self.one("PRAGMA user_version") == (1,), "another format")
        self.uuid, checksum = self.one("SELECT uuid, checksum FROM identity WHERE id = 1")
        require(checksum == sha256(domain(b"identity"), self.uuid), "identity")
        self.wraps = {row[0]: Wrap(self.uuid, row) for row in self.db.execute(
            "SELECT role, n, r, p, salt, wrapped, tries, checksum FROM pin")}

    def one(self, sql, *values):
        row = self.db.execute(sql, values).fetchone()
        require(row is not None, f"nothing there: {sql} {values}")
        return row

    def tagged(self, checksum, tag, what):
        require(hmac.new(self.tag_key, checksum, hashlib.sha256).digest()[:16] == tag, f"{what}: the tag")

    def unlock(self, pin, so=False):
        require(int(not so) in self.wraps, "there is no such PIN")
        self.token_key = self.wraps[int(not so)].open(pin)
        self.sealing = AESGCM(expand(self.token_key, b"seal"))
        self.tag_key = expand(self.token_key, b"tag")

    def objects(self):
        """Everything, from the root down; each row as its list says."""
        (uuid, label, generation, next_id, so, user, pages, checksum, tag) = self.one(
            "SELECT uuid, label, generation, next, so, user, pages, checksum, tag FROM vault WHERE id = 1")
        require(uuid == self.uuid, "the root is another vault's")
        require(checksum == sha256(domain(b"root"), uuid, label, u64(generation), u64(next_id), so, user, pages), "root")
        self.tagged(checksum, tag, "root")
        for role, digest in ((0, so), (1, user)):
            require((self.wraps[role].digest if role in self.wraps else NONE) == digest, f"pin {role} as listed")
        self.label = label.decode().rstrip(" ")
        seen = 0
        for at in range(0, len(pages), 24):
            for values in self.page(struct.unpack_from(">Q", pages, at)[0], pages[at + 8:at + 24]):
                require(values["id"] < next_id, "an id from the future")
                seen += 1
                yield values
        require(self.one("SELECT count(*) FROM object") == (seen,), "objects that are not listed")

    def page(self, number, listed):
        entries, checksum, tag = self.one("SELECT entries, checksum, tag FROM page WHERE number = ?", number)
        require(checksum == sha256(domain(b"page"), self.uuid, u64(number), entries), f"page {number}")
        require(tag == listed, f"page {number} as listed")
        self.tagged(checksum, tag, f"page {number}")
        for at in range(0, len(entries), 17):
            yield self.object(number * 128 + entries[at], entries[at + 1:at + 17])

    def object(self, id_, listed):
        version, open_, sealed, checksum, tag = self.one(
            "SELECT version, open, sealed, checksum, tag FROM object WHERE id = ?", id_)
        require(checksum == sha256(domain(b"object"), self.uuid, u64(id_), u64(version), u64(len(open_)), open_, sealed),
                f"object {id_}")
        require(tag == listed, f"object {id_} as listed")
        self.tagged(checksum, tag, f"object {id_}")
        attributes = dict(records(open_))
        for kind, value in records(sealed):
            bound = domain(b"attribute") + self.uuid + u64(id_) + u32(kind)
            try:
                attributes[kind] = self.sealing.decrypt(value[:12], value[12:], bound)
            except InvalidTag:
                raise Damaged(f"object {id_}: attribute {kind:#x}") from None
        return {"id": id_, "attributes": attributes}


def described(values):
    attributes = values["attributes"]
    kind = int.from_bytes(attributes[CKA_CLASS], "big")
    out = {"id": values["id"], "class": CLASSES.get(kind, hex(kind)), "label": attributes.get(CKA_LABEL, b"").decode(),
           "cka_id": attributes.get(CKA_ID, b"").hex(), "private": attributes.get(CKA_PRIVATE) == b"\1"}
    if kind == 2 and CKA_EC_POINT in attributes:
        out["point"] = attributes[CKA_EC_POINT].hex()
    if kind == 3 and attributes.get(0x180) == P256:
        # The secret itself was read when the public point follows from it.
        public = ec.derive_private_key(int.from_bytes(attributes[CKA_VALUE], "big"), ec.SECP256R1()).public_key()
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        out["point"] = (b"\x04" + bytes([len(point)]) + point).hex()
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--pin-file", required=True)
    parser.add_argument("--so", action="store_true")
    arguments = parser.parse_args()
    pin = Path(arguments.pin_file).read_bytes().split(b"\n")[0]
    try:
        vault = Vault(arguments.file)
        vault.unlock(pin, arguments.so)
        objects = [described(values) for values in vault.objects()]
    except (Damaged, sqlite3.DatabaseError) as error:
        sys.exit(f"{arguments.file}: {error}")
    print(json.dumps({"label": vault.label, "serial": vault.uuid[:8].hex(),
                      "tries": {role: wrap.tries for role, wrap in vault.wraps.items()}, "objects": objects}, indent=1))


if __name__ == "__main__":
    main()
