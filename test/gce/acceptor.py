"""Who takes the connections of a listening socket."""

import socket
import threading


class Acceptor:
    """Calls serve(connection, the client's address) for each connection, in a thread of its own, until it is closed."""

    def __init__(self, listener, serve):
        self.listener, self.serve = listener, serve
        self.connections = 0  # how many there were
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def close(self):
        """Not before the thread has let go of the socket: its number may be the next one's."""
        if self.thread.is_alive():
            self.listener.shutdown(socket.SHUT_RDWR)
            self.thread.join()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection, peer[0]), daemon=True).start()
