"""A receiver on the standard library that keeps what it gets and answers what it is told to."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_S = 20


class Receiver:
    """Listens on a free port of the loopback interface until it is closed."""

    def __init__(self):
        self.status = 204
        self.events = []
        self.authorizations = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver._arrived:
                    if receiver.status < 300:
                        receiver.events.append(json.loads(body))
                        receiver.authorizations.append(self.headers["authorization"])
                    self.send_response(receiver.status)
                    self.send_header("content-length", "0")
                    self.end_headers()
                    receiver._arrived.notify_all()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/webhook"

    def wait_for(self, count):
        """The events accepted so far, when there are at least so many."""
        with self._arrived:
            came = self._arrived.wait_for(lambda: len(self.events) >= count, PATIENCE_S)
            assert came, f"got {len(self.events)} of {count} events"
            return list(self.events)


def until(ask, check):
    """Asks until `check` holds of the answer, for a bounded time."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = ask()
        if check(answer):
            return answer
        assert time.monotonic() < deadline, f"waited in vain; the last answer was {answer}"
        time.sleep(0.02)
