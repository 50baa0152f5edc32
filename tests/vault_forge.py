#!/usr/bin/env python3
"""Writes an empty vault of its own, with a token key and PINs of its own, under the uuid of another one: what
somebody would try who can write files and does not know the PIN.

    vault_forge.py VAULT FORGED --pin-file FILE
"""

import argparse
import hmac
import os
import hashlib
import sqlite3
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault_reader import domain, expand, sha256, u32, u64


def wrap(uuid, role, pin, token_key):
    n, r, p, salt, nonce = 1 << 15, 8, 1, os.urandom(16), os.urandom(12)
    bound = domain(b"pin") + uuid + u32(role) + u64(n) + u32(r) + u32(p) + salt
    key = hashlib.scrypt(pin, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)
    wrapped = nonce + AESGCM(key).encrypt(nonce, token_key, bound)
    digest = sha256(bound, wrapped)
    return digest, (role, n, r, p, salt, wrapped, 0, sha256(domain(b"tries"), digest, u32(0)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vault")
    parser.add_argument("forged")
    parser.add_argument("--pin-file", required=True)
    arguments = parser.parse_args()
    pin = Path(arguments.pin_file).read_bytes().split(b"\n")[0]
    original = sqlite3.connect(f"file:{arguments.vault}?mode=ro", uri=True)
    uuid, = original.execute("SELECT uuid FROM identity").fetchone()
    token_key = os.urandom(32)
    so, so_row = wrap(uuid, 0, pin, token_key)
    user, user_row = wrap(uuid, 1, pin, token_key)
    label, generation, next_id = b"forged".ljust(32), 1, 1
    checksum = sha256(domain(b"root"), uuid, label, u64(generation), u64(next_id), so, user)
    tag = hmac.new(expand(token_key, b"tag"), checksum, hashlib.sha256).digest()[:16]

    os.umask(0o077)
    forged = sqlite3.connect(arguments.forged)
    for sql, in original.execute("SELECT sql FROM sqlite_master WHERE type = 'table'"):
        forged.execute(sql)
    forged.execute("INSERT INTO identity VALUES (1, ?, ?)", (uuid, sha256(domain(b"identity"), uuid)))
    forged.executemany("INSERT INTO pin VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (so_row, user_row))
    forged.execute("INSERT INTO vault VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   (uuid, label, generation, next_id, so, user, b"", checksum, tag))
    forged.execute("PRAGMA application_id = 0x50445056")
    forged.execute("PRAGMA user_version = 1")
    forged.commit()


if __name__ == "__main__":
    main()
