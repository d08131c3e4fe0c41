"""Kubernetes, a room of its own: one client for spawner, jobs, servers and controllers.

The official ``kubernetes`` package (the extra ``kube``) brings configuration, authentication and transport; objects are
plain JSON. It is imported when a client connects: importing this room costs nothing.

- :mod:`.client`: one request, one answer; lists by pages, server-side apply, access reviews, logs.
- :mod:`.watch`: one watch; :mod:`.reflector` keeps a :class:`.store.Store` of trimmed objects true, for ever.
- :mod:`.blocking`: the same client for code without an event loop.
- :mod:`.failures`: what an answer that is not a good one means, by code.
"""
