#!/usr/bin/python3
"""A file system that fills up at run time: writes are 503 storage_full, reads go on, and it heals by itself."""
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import Shop, finish, verdict  # noqa: E402


def main():
    folder = tempfile.mkdtemp()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True).returncode:
        print("skip - a full file system: no right to mount a small one")
        return
    try:
        with Shop(data=folder) as shop:
            walk(shop, os.path.join(folder, "filler"))
    finally:
        subprocess.run(["umount", folder], check=False)
        os.rmdir(folder)
    finish()


def walk(shop, filler):
    _, token = shop.new_user("ada@example.com")
    product = max(shop.products(), key=lambda p: p["stock"])["id"]
    item = {"items": [{"product_id": product, "quantity": 1}]}
    first = shop.call("POST", "/api/orders", item, token, "before")
    verdict("an order before", first.status == 201, first)
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    for count in range(400):  # what is allocated already may still take some
        answer = shop.call("POST", "/api/orders", item, token, f"full-{count}")
        if answer.status != 201:
            break
    verdict("a full disk is 503 with reason storage_full", answer.status == 503 and (
        "storage_full" in (answer.headers.get("X-Yun-Reason") or "") or "storage_full" in answer.text), answer)
    verdict("reads go on", shop.call("GET", "/api/products").status == 200 and shop.call("GET", "/api/orders/" + first.json["id"], token=token).status == 200)
    user = shop.call("POST", "/api/users", {"name": "Bob", "email": "bob@example.com", "password": "correct horse battery"})
    verdict("a new user is 201 or 503, never lost", user.status in (201, 503), user)
    verdict("all three programs live", all(p.poll() is None for p in shop.processes.values()))
    stock = next(p["stock"] for p in shop.products() if p["id"] == product)
    os.remove(filler)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        answer = shop.call("POST", "/api/orders", item, token, "after")
        if answer.status == 201:
            break
        time.sleep(0.1)
    verdict("it heals by itself", answer.status == 201, answer)
    verdict("no stock went with a refused order", next(p["stock"] for p in shop.products() if p["id"] == product) == stock - 1)


main()
