"""The alfred.yaml that ``init`` writes: all comments, so it changes nothing by itself."""

from alfred_dev.catalog.project import SCHEMA_PATH

ALFRED_YAML = f"""\
# yaml-language-server: $schema={SCHEMA_PATH}
#
# What this project does otherwise than the catalog. All of it is optional.
# alfred-dev config validate checks it; config explain KEY says which value wins.

# A checkout of the platform, relative to this file.
# platform: ../alfred-agent-platform-v2

# The domain of the gateway's names.
# domain: dev.alfred-platform.example.com

# A certificate of your own for the gateway (PEM), instead of one of the local CA.
# gateway: {{cert: fullchain.pem, key: privkey.pem}}

# What `up` starts when nothing is named; without it everything.
# profiles: [core, agents]

# Settings that are no secrets (those belong into .env).
# settings:
#   ALFRED_LOG_LEVEL: DEBUG

# A command that gets the URL of each tunnel, as JSON on stdin and in ALFRED_PUBLIC_URL.
# tunnels: {{on_open: scripts/set-webhook}}

# services:
#   agent-core:
#     host_port: 9911          # I run agent-core myself on this port: everybody else uses it there
#   redis:
#     ports:
#       - host: 6380           # another port on this machine; merged by place with the catalog
#   monitoring-metrics:
#     from: stand-in           # embedded, binary or stand-in; checkout and image take Docker
#   agent-rag:
#     env:
#       MY_FLAG: "1"           # a variable for this service alone
#   db-auth:                   # a service that the catalog does not have
#     title: Auth database
#     profile: core
#     ports:
#       - {{host: 9999, path: /health}}
#     depends_on: {{db-postgres: healthy}}
"""
