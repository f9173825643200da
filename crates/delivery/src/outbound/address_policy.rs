//! Which addresses may be connected to: the public internet, and what the operator lists.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::Host;

/// Decides about single addresses. Ask it about the address that is really connected to, after resolution.
#[derive(Debug)]
pub(super) struct AddressPolicy {
    allow: Vec<IpNet>,
}

/// Why an address may not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not part of the public internet, for the reason named.
    NotPublic(&'static str),
    /// Hands out credentials of the machine; nothing allows it.
    Metadata,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, d: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

/// The IPv4 special-purpose registry (RFC 6890 and its successors), without what is globally reachable.
const V4_NOT_PUBLIC: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "unspecified"),
    (v4(10, 0, 0, 0, 8), "private network"),
    (v4(100, 64, 0, 0, 10), "carrier-grade NAT"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "private network"),
    (v4(192, 0, 0, 0, 24), "protocol assignments"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 88, 99, 0, 24), "6to4 relay"),
    (v4(192, 168, 0, 0, 16), "private network"),
    (v4(198, 18, 0, 0, 15), "benchmarking"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(255, 255, 255, 255, 32), "broadcast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

/// The IPv6 special-purpose registry; the first entry that contains an address names the reason.
const V6_NOT_PUBLIC: &[(Ipv6Net, &str)] = &[
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), "unspecified"),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), "loopback"),
    (v6(0, 0, 0, 0, 96), "IPv4-compatible"),
    (Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96), "IPv4-translated"),
    (v6(0x64, 0xff9b, 1, 0, 48), "local NAT64"),
    (v6(0x100, 0, 0, 0, 64), "discard"),
    (v6(0x2001, 0, 0, 0, 32), "Teredo"),
    (v6(0x2001, 0, 0, 0, 23), "protocol assignments"),
    (v6(0x2001, 0xdb8, 0, 0, 32), "documentation"),
    (v6(0x3fff, 0, 0, 0, 20), "documentation"),
    (v6(0xfc00, 0, 0, 0, 7), "unique local"),
    (v6(0xfe80, 0, 0, 0, 10), "link-local"),
    (v6(0xfec0, 0, 0, 0, 10), "site-local"),
    (v6(0xff00, 0, 0, 0, 8), "multicast"),
];

const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 0, 3);
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 0, 96);
const NAT64_LOCAL: Ipv6Net = v6(0x64, 0xff9b, 1, 0, 48);
const SIX_TO_FOUR: Ipv6Net = v6(0x2002, 0, 0, 0, 16);
const V4_COMPATIBLE: Ipv6Net = v6(0, 0, 0, 0, 96);

/// Where clouds hand out credentials and settings of the machine.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// The names of such places.
const METADATA_NAMES: &[&str] = &[
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "api.metadata.cloud.ibm.com",
    "rancher-metadata",
];

impl AddressPolicy {
    /// The policy that allows `allow` besides the public internet.
    pub(super) fn new(allow: &[IpNet]) -> Self {
        Self { allow: allow.iter().copied().map(without_mapping).collect() }
    }

    /// Whether a name may be used that somebody else resolves, where the addresses cannot be looked at.
    pub(super) fn check_unresolved(&self, host: &Host<&str>) -> Result<(), Refusal> {
        match host {
            Host::Ipv4(address) => self.check((*address).into()),
            Host::Ipv6(address) => self.check((*address).into()),
            Host::Domain(name) if is_loopback_name(name) => self.check(Ipv4Addr::LOCALHOST.into()),
            Host::Domain(_) => Ok(()),
        }
    }

    /// Whether `address` may be connected to.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), Refusal> {
        let address = address.to_canonical();
        let carried = carried_v4(address);
        if METADATA.contains(&address) || carried.is_some_and(|v4| METADATA.contains(&v4.into())) {
            return Err(Refusal::Metadata);
        }
        if self.allow.iter().any(|net| net.contains(&address)) {
            return Ok(());
        }
        match address {
            IpAddr::V4(v4) => check_v4(v4),
            // Such an address reaches whatever the IPv4 address in it reaches.
            IpAddr::V6(v6) if NAT64.contains(&v6) || SIX_TO_FOUR.contains(&v6) => {
                carried.map_or(Ok(()), |v4| self.check(v4.into()))
            }
            IpAddr::V6(v6) => check_v6(v6),
        }
    }
}

/// Whether a name is one by which clouds hand out credentials and settings of the machine, wherever it is resolved.
pub(super) fn is_metadata_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    METADATA_NAMES.iter().any(|metadata| name.eq_ignore_ascii_case(metadata))
}

fn is_loopback_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost") || last.eq_ignore_ascii_case("localdomain")
}

fn check_v4(address: Ipv4Addr) -> Result<(), Refusal> {
    match V4_NOT_PUBLIC.iter().find(|(net, _)| net.contains(&address)) {
        Some((_, reason)) => Err(Refusal::NotPublic(reason)),
        None => Ok(()),
    }
}

fn check_v6(address: Ipv6Addr) -> Result<(), Refusal> {
    match V6_NOT_PUBLIC.iter().find(|(net, _)| net.contains(&address)) {
        Some((_, reason)) => Err(Refusal::NotPublic(reason)),
        None if GLOBAL_UNICAST.contains(&address) => Ok(()),
        None => Err(Refusal::NotPublic("not global unicast")),
    }
}

/// The IPv4 address that an IPv6 address of a transition mechanism carries.
fn carried_v4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let [.., a, b, c, d] = v6.octets();
    let last = Ipv4Addr::new(a, b, c, d);
    if NAT64.contains(&v6) || NAT64_LOCAL.contains(&v6) || V4_COMPATIBLE.contains(&v6) {
        return Some(last);
    }
    let [_, _, a, b, c, d, ..] = v6.octets();
    SIX_TO_FOUR.contains(&v6).then(|| Ipv4Addr::new(a, b, c, d))
}

/// An entry in IPv4-mapped form as the IPv4 network it means.
fn without_mapping(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    let prefix = v6.prefix_len().checked_sub(96);
    match (v6.addr().to_ipv4_mapped(), prefix) {
        (Some(v4), Some(prefix)) => Ipv4Net::new(v4, prefix).map_or(net, IpNet::V4),
        _ => net,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str]) -> AddressPolicy {
        AddressPolicy::new(&allow.iter().map(|net| net.parse().unwrap()).collect::<Vec<_>>())
    }

    fn check(policy: &AddressPolicy, address: &str) -> Result<(), Refusal> {
        policy.check(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_allowed() {
        let policy = policy(&[]);
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:200::1",
            "2400::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert_eq!(check(&policy, address), Ok(()), "{address}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let policy = policy(&[]);
        for (address, reason) in [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("10.0.0.5", "private network"),
            ("100.64.0.1", "carrier-grade NAT"),
            ("100.127.255.255", "carrier-grade NAT"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("169.254.1.1", "link-local"),
            ("172.16.0.1", "private network"),
            ("172.31.255.255", "private network"),
            ("192.0.0.1", "protocol assignments"),
            ("192.0.2.1", "documentation"),
            ("192.168.1.1", "private network"),
            ("198.18.0.1", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.1", "documentation"),
            ("203.0.113.1", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::7f00:1", "IPv4-compatible"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::ffff:10.0.0.5", "private network"),
            ("::ffff:0:10.0.0.5", "IPv4-translated"),
            ("64:ff9b::a00:5", "private network"),
            ("64:ff9b::7f00:1", "loopback"),
            ("64:ff9b:1::101:101", "local NAT64"),
            ("100::1", "discard"),
            ("2001::1", "Teredo"),
            ("2001:0:7f00:1::1", "Teredo"),
            ("2001:10::1", "protocol assignments"),
            ("2001:db8::1", "documentation"),
            ("2002:a00:5::1", "private network"),
            ("2002:7f00:1::", "loopback"),
            ("3fff::1", "documentation"),
            ("5f00::1", "not global unicast"),
            ("4000::1", "not global unicast"),
            ("fc00::1", "unique local"),
            ("fdff::1", "unique local"),
            ("fe80::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ] {
            assert_eq!(check(&policy, address), Err(Refusal::NotPublic(reason)), "{address}");
        }
    }

    #[test]
    fn an_allowed_network_is_allowed_in_every_spelling_of_it() {
        let policy = policy(&["10.0.0.0/8", "fd00::/8"]);
        for address in ["10.0.0.5", "::ffff:10.0.0.5", "64:ff9b::a00:5", "fd12::1"] {
            assert_eq!(check(&policy, address), Ok(()), "{address}");
        }
        assert!(check(&policy, "192.168.0.1").is_err());
        assert!(check(&policy, "fc00::1").is_err());
    }

    #[test]
    fn an_ipv6_entry_says_nothing_about_ipv4_unless_it_is_mapped() {
        assert!(check(&policy(&["::/0"]), "::ffff:127.0.0.1").is_err());
        let mapped = policy(&["::ffff:127.0.0.0/104"]);
        assert_eq!(check(&mapped, "127.0.0.1"), Ok(()));
        assert_eq!(check(&mapped, "::ffff:127.0.0.1"), Ok(()));
    }

    #[test]
    fn metadata_is_allowed_by_nothing() {
        let wide = policy(&["0.0.0.0/0", "::/0"]);
        for address in [
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::a9fe:a9fe",
        ] {
            assert_eq!(check(&wide, address), Err(Refusal::Metadata), "{address}");
        }
        let exact = policy(&["169.254.169.254/32", "fd00:ec2::254/128"]);
        for address in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"] {
            assert_eq!(check(&exact, address), Err(Refusal::Metadata), "{address}");
        }
        for name in ["metadata.google.internal", "Metadata.Google.Internal.", "instance-data", "metadata"] {
            assert!(is_metadata_name(name), "{name}");
        }
        for name in ["metadata.example.com", "google.internal", "metadata.google.internal.example.com"] {
            assert!(!is_metadata_name(name), "{name}");
        }
    }

    #[test]
    fn what_a_proxy_resolves_is_looked_at_as_far_as_that_goes() {
        let unresolved = |policy: &AddressPolicy, host: &str| {
            let host = Host::parse(host).unwrap();
            policy.check_unresolved(&match &host {
                Host::Domain(name) => Host::Domain(name.as_str()),
                Host::Ipv4(address) => Host::Ipv4(*address),
                Host::Ipv6(address) => Host::Ipv6(*address),
            })
        };
        for host in ["localhost", "LOCALHOST.", "app.localhost", "127.0.0.1", "0x7f.1", "[::1]", "[::ffff:10.0.0.1]"] {
            assert!(unresolved(&policy(&[]), host).is_err(), "{host}");
        }
        assert_eq!(unresolved(&policy(&[]), "hooks.example"), Ok(()));
        assert_eq!(unresolved(&policy(&["127.0.0.0/8"]), "localhost"), Ok(()));
    }
}
