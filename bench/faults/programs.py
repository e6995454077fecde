"""What strangers run on our ports, as Python source."""

HTTP_FOLDER = "import http.server as h; h.HTTPServer(('127.0.0.1', {port}), h.SimpleHTTPRequestHandler).serve_forever()"  # noqa: E501
SILENT = "import socket, time; s = socket.create_server(('127.0.0.1', {port}), backlog=0); time.sleep(9999)"  # noqa: E501
ANSWERS = """
import http.server as h
class A(h.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status}); self.send_header('content-length', '2'); self.end_headers()
        self.wfile.write(b'ok')
    def log_message(self, *a): pass
h.ThreadingHTTPServer(('127.0.0.1', {port}), A).serve_forever()
"""
EVERYWHERE = ANSWERS.replace("127.0.0.1", "0.0.0.0")
