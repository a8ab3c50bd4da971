"""Stand-in for GitHub's API, as far as a runner's registration goes."""

from __future__ import annotations

import http.server
import json
import ssl
import sys
from pathlib import Path

CERTIFICATE, LOG = sys.argv[1:]


class Registrations(http.server.BaseHTTPRequestHandler):
    """Answers with a registration token, and keeps who asked for what."""

    count = 0

    def do_POST(self) -> None:
        type(self).count += 1
        with Path(LOG).open("a") as log:
            log.write(f"{self.path} {self.headers['Authorization']} {self.headers['Accept']}\n")
        body = json.dumps({"token": f"once-{self.count}"}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.HTTPServer(("127.0.0.1", 443), Registrations)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
