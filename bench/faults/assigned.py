"""Every fault of the public list: who has to find it, in which runtimes it can occur, and, where
it is not injected here, why not."""

from __future__ import annotations

from dataclasses import dataclass

# id | doctor, up or lint | runtimes (p: local processes, d: containers) | why it is not injected
TABLE = """
H01|up|d|Docker is optional: `up` takes local processes and says so
H02|up|d|the same
H04|doctor|pd|no immutable flag on the file systems at hand; judged in a unit test
H06|doctor|pd|
H07|doctor|pd|
H09|doctor|pd|WSL 2 only; judged in a unit test (a hosts file made anew is NQ1)
H11|doctor|d|no image of another processor at hand; its words are judged in a unit test
H12|doctor|pd|none of these tools is needed
D01|doctor|d|
D03|up|d|the engine is asked without the docker command's version
D04|up|d|no container has a fixed name
D05|lint|d|our network is never external
D07|up|d|`up` chooses a free subnet
D09|lint|d|no reference is built from empty variables
D10|up|d|`up` falls back to the embedded image, and says so
D11|doctor|d|no bind mounts without published images; judged in a unit test
D13|lint|d|a rule of lint
D15|doctor|d|needs a virtual machine
D17|doctor|d|
D19|doctor|pd|
P01|doctor|pd|
P02|doctor|d|
P04|lint|pd|the catalog refuses two services on one port
P06|doctor|d|
P07|doctor|pd|
P09|up|pd|only the gateway has low ports, and moves by itself
P11|doctor|p|
P12|doctor|pd|
P14|up|pd|a second checkout gets a slot or an error that names the first
P16|doctor|p|
N01|doctor|pd|
N02|doctor|pd|
N04|doctor|pd|
N06|doctor|pd|a name of nobody's is no fault; one that came later is X05
N07|doctor|pd|needs a resolver of the machine; judged in a unit test
N09|doctor|pd|the same
N11|doctor|pd|names of what listens on IPv4 alone get no other address
N13|doctor|pd|no name of ours ends in .local
N14|doctor|d|names are aliases on the network
N17|doctor|pd|a browser's own setting
C01|doctor|pd|
C02|doctor|pd|
C04|doctor|pd|
C06|doctor|pd|
C07|doctor|pd|
C08|doctor|pd|judged in a unit test
C10|doctor|pd|
C12|doctor|pd|
C14|doctor|pd|our CA makes no weak certificate; scan looks at what is served
C16|doctor|pd|a stranger on the port is P07
C18|doctor|pd|the gateway takes TLS 1.3 alone; scan looks
E01|doctor|pd|
E02|doctor|pd|
E03|doctor|pd|
E05|doctor|pd|
E07|doctor|p|
E08|doctor|p|
E09|doctor|pd|no long-lived keys stand in .env
E11|doctor|pd|
E12|doctor|pd|
E13|doctor|d|
E15|doctor|pd|
E16|lint|d|a rule of lint
E18|up|pd|an unknown profile is refused
E20|doctor|pd|
E22|doctor|pd|
E24|doctor|pd|the same as P11
S01|doctor|pd|
S02|doctor|p|
S03|doctor|pd|a service that is starting is no fault
S04|doctor|p|
S06|doctor|pd|the catalog has the path that does not redirect
S07|doctor|d|our checks have their programs; judged in a unit test
S09|doctor|d|
S11|doctor|pd|needs an engine that loses one listener; judged in a unit test
S13|doctor|pd|
S15|doctor|p|
S17|doctor|pd|
S19|doctor|pd|the same as E12
S21|doctor|p|
S23|doctor|pd|targets are computed; an edited file is Q16
V01|doctor|p|
V02|doctor|pd|
V04|doctor|pd|the initial SQL is run by us and told by status
V05|doctor|p|
V07|doctor|pd|a full disk is R02
V09|doctor|p|
V11|doctor|p|
V13|doctor|pd|`down --volumes` asks first; an empty stack is well
W01|doctor|d|
W02|doctor|d|
W04|doctor|p|
W06|doctor|d|needs the network made anew; judged in a unit test
W08|doctor|d|needs a process of the developer's; judged by its port
W10|doctor|pd|probes and URLs use 127.0.0.1
W12|doctor|d|
F01|doctor|p|
F02|doctor|pd|one key for all, from one place
F04|doctor|pd|the agents subscribe anew by themselves
F06|doctor|pd|the same as E12
F08|doctor|pd|a property of the services' own code
F09|doctor|pd|the gateway's origins are computed
F11|doctor|pd|a token of somebody's own: the gateway says which claim
F13|doctor|pd|the gateway and our pages know their names
F15|doctor|pd|a property of the services' own code
T01|up|pd|`tunnel open` says it
T02|up|pd|`tunnel open` says it
T04|up|pd|`tunnel open` says it
T05|doctor|pd|the service's own finding; tunnels are told as following from it
T07|up|pd|`tunnel open` says it
T09|up|pd|a hook of the tunnel
T11|up|pd|`tunnel open` says it
T13|up|pd|`tunnel open` says it
R01|doctor|d|
R02|doctor|p|
R04|doctor|p|
R06|doctor|pd|
R08|doctor|pd|needs a machine with little memory
R09|doctor|d|every log of ours has a limit
X01|doctor|pd|
X02|doctor|pd|
X04|doctor|d|
X05|doctor|pd|
X07|doctor|pd|
X09|lint|pd|the table is generated; a test compares
X10|lint|pd|images are pinned in the catalog
X12|doctor|d|the project's name comes from the folder
"""


# What looks like a fault and is none: id | runtimes | why it is not made so here
HARMLESS = """
Z01|pd|
Z02|pd|
Z03|pd|
Z04|pd|
Z05|pd|
Z06|pd|
Z07|pd|
Z08|pd|
Z09|pd|
Z10|pd|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """``by``: doctor, up, lint or, of what is no fault, nobody; ``runtimes``: of ``p`` and ``d``;
    ``why_not``: empty where it is injected here."""

    id: str
    by: str
    runtimes: str
    why_not: str


def assigned() -> tuple[Assigned, ...]:
    """Return every fault of the list."""
    rows = (line.split("|") for line in TABLE.strip().splitlines())
    return tuple(Assigned(id=r[0], by=r[1], runtimes=r[2], why_not=r[3]) for r in rows)


def harmless() -> tuple[Assigned, ...]:
    """Return every case of the list that is no fault."""
    rows = (line.split("|") for line in HARMLESS.strip().splitlines())
    return tuple(Assigned(id=r[0], by="nobody", runtimes=r[1], why_not=r[2]) for r in rows)
