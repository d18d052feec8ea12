//! Who may read the metrics.

use std::net::{IpAddr, Ipv6Addr};

/// Whether `peer` is this machine or in a private network: RFC 1918, IPv4 and IPv6 link-local,
/// IPv6 unique local (RFC 4193). An IPv4 address written as an IPv6 one counts as what it is.
pub fn is_near(peer: IpAddr) -> bool {
    match peer.to_canonical() {
        IpAddr::V4(peer) => peer.is_loopback() || peer.is_private() || peer.is_link_local(),
        IpAddr::V6(peer) => {
            peer == Ipv6Addr::LOCALHOST || peer.is_unique_local() || peer.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_private_networks_are_near_and_all_else_is_not() {
        let near = [
            "127.0.0.1",
            "127.8.9.1",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.254",
            "192.168.1.1",
            "169.254.1.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
        ];
        let far = [
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "192.169.0.1",
            "0.0.0.0",
            "100.64.0.1",
            "2001:db8::1",
            "::",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
        ];
        for peer in near {
            assert!(is_near(peer.parse().unwrap()), "{peer}");
        }
        for peer in far {
            assert!(!is_near(peer.parse().unwrap()), "{peer}");
        }
    }
}
