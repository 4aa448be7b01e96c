"""The methods of a trace, by name: one word for the connector, the vote, the table on the case page and the API.

A method may answer more than once in one trace (two resolvers, several location files, three vantage points); each
answer names its source. What is not here: asking (connectors) and weighing (`rules/trace_vote.py`).
"""

DNS = "dns"  # A and AAAA through CNAME, one answer per resolver
NAME_SERVERS = "name-servers"  # NS of the nearest zone
RDAP = "rdap"  # the registry's word on the address (RFC 9083)
RDAP_DOMAIN = "rdap-domain"  # ... on the domain
RDAP_AS = "rdap-as"  # ... on the autonomous system
WHOIS = "whois"  # port 43, fallback text (RFC 3912)
ORIGIN_NETWORK = "origin-network"  # who announces the address, from an operator's file
LOCATION = "location"  # where a location file puts it; one answer per file
CERTIFICATE = "certificate"  # the names of the TLS certificate
PROXY = "proxy"  # signs of a CDN or reverse proxy: address ranges, headers
ROUND_TRIP = "round-trip"  # one answer per vantage point; rules countries out, names none
ONION = "onion"  # the short walk of an onion address: no name server, no registry, no place
NEWS_SERVER = "news-server"  # the short walk of a newsgroup post; one answer per news server
DISCLOSED = "disclosed"  # an origin behind a proxy, named by its operator to a trusted notifier

ALL = (
    DNS,
    NAME_SERVERS,
    RDAP,
    RDAP_DOMAIN,
    RDAP_AS,
    WHOIS,
    ORIGIN_NETWORK,
    LOCATION,
    CERTIFICATE,
    PROXY,
    ROUND_TRIP,
    ONION,
    NEWS_SERVER,
    DISCLOSED,
)
