"""Google, as far as routes need it, at its own addresses in a namespace: metadata, OAuth2's tokens, Compute v1."""

from .api import Compute, Tokens
from .authority import authority
from .cloud import Cloud
from .metadata import Metadata, Oauth
from .server import Server

METADATA = "169.254.169.254"
FRONT_END = "199.36.153.8"  # private.googleapis.com
NAMES = ("compute.googleapis.com", "www.googleapis.com", "oauth2.googleapis.com")
HOSTS = "127.0.0.1 localhost\n" + "".join(f"{FRONT_END} {name}\n" for name in NAMES) + f"{METADATA} metadata.google.internal\n"


class Emulator:
    """with Emulator(space) as google: google.cloud, google.api and its requests and faults, ..."""

    def __init__(self, space):
        for address in (METADATA, FRONT_END):
            space.run("ip", "address", "add", f"{address}/32", "dev", "lo")
        self.authority = authority()
        self.cloud, self.tokens = Cloud(), Tokens()
        self.compute = Compute(self.cloud, self.tokens)
        self.metadata = Metadata(self.cloud, self.tokens)
        self.oauth = Oauth(self.tokens)
        certificate = self.authority.issue(*NAMES, FRONT_END)
        self.api = Server(space, FRONT_END, 443, self._handle, certificate)
        self.metadata_server = Server(space, METADATA, 80, self.metadata.handle)

    def _handle(self, request):
        """One front end for both, as Google's is; but to a client they are two hosts."""
        if request.headers["host"].startswith("oauth2."):
            return self.oauth.handle(request)
        return self.compute.handle(request)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.api.close()
        self.metadata_server.close()
