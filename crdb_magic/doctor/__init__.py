"""What is wrong between a notebook and its server, asked step by step: each finding says what to do.

::

    examination.py       all checks in their order
    ├── machine_checks.py    … of this machine: versions, JupyterLab, the local server
    ├── connection_checks.py … of the way to a server: target, name, port, protocol, TLS, certificates
    ├── server_checks.py     … of a server that lets the user in: product, clock, latency, privileges
    └── settings.py          … of settings that change what statements do
    report.py            what a check has found
    case.py              what the checks look at, found out about step by step
    ├── resolved_target.py   which target is meant, and where each part of it comes from
    ├── network.py           addresses, connections, what answers there
    └── certificates.py      what a certificate says, and whether it holds
"""
