//! Who may read the metrics.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use subtle::ConstantTimeEq;

/// This machine and private networks: loopback, RFC 1918, IPv4 and IPv6 link-local, IPv6 unique
/// local (RFC 4193).
const NEAR: [IpNet; 8] = [
    v4([127, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([169, 254, 0, 0], 16),
    v6(Ipv6Addr::LOCALHOST, 128),
    v6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
];

const EVERYWHERE: [IpNet; 2] = [v4([0; 4], 0), v6(Ipv6Addr::UNSPECIFIED, 0)];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(address: Ipv6Addr, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(address, prefix))
}

/// Who may read the metrics: from which networks, and with which bearer token.
///
/// What counts is the address of the connection: `X-Forwarded-For` and its like are never
/// believed. An IPv4 address written as an IPv6 one counts as what it is. A connection without an
/// address, a Unix socket or an in-process test, is this machine, and is in every network.
///
/// ```
/// use instrument_metrics::{Access, Metrics, prometheus::Registry};
///
/// # let token = "c29tZSBzZWNyZXQ=";
/// # let metrics = Metrics::builder().registry(Registry::new()).build()?;
/// let access = Access::networks(["10.20.0.0/16", "2001:db8:7::/48"])?.bearer_token(token)?;
/// let endpoint = metrics.endpoint("/metrics").access(access);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Access {
    networks: Vec<IpNet>,
    token: Option<String>,
}

impl Access {
    /// This machine and private networks, without a token: loopback, `10.0.0.0/8`,
    /// `172.16.0.0/12`, `192.168.0.0/16`, link-local, and the unique local addresses of IPv6. It is
    /// what an endpoint has to begin with.
    ///
    /// ```
    /// let access = instrument_metrics::Access::private_networks();
    /// ```
    #[must_use]
    pub fn private_networks() -> Self {
        Self { networks: NEAR.into(), token: None }
    }

    /// These networks only, this machine not among them unless it is named: `10.20.0.0/16`,
    /// `2001:db8::/32`, `::1`.
    ///
    /// ```
    /// let access = instrument_metrics::Access::networks(["127.0.0.1", "10.20.0.0/16"])?;
    /// # Ok::<(), instrument_metrics::AccessError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AccessError`] where one of them is no network, and where there is none.
    pub fn networks<N>(networks: N) -> Result<Self, AccessError>
    where
        N: IntoIterator,
        N::Item: AsRef<str>,
    {
        let networks = networks.into_iter().map(|network| parse(network.as_ref()));
        let networks: Vec<_> = networks.collect::<Result<_, _>>()?;
        if networks.is_empty() {
            return Err(AccessError::NoNetwork);
        }
        Ok(Self { networks, token: None })
    }

    /// Every address. Give it a [`bearer_token`](Self::bearer_token), unless the whole world may
    /// know which routes there are and how often they fail.
    ///
    /// ```
    /// let access = instrument_metrics::Access::everywhere().bearer_token("c29tZSBzZWNyZXQ=")?;
    /// # Ok::<(), instrument_metrics::AccessError>(())
    /// ```
    #[must_use]
    pub fn everywhere() -> Self {
        Self { networks: EVERYWHERE.into(), token: None }
    }

    /// Asks for `Authorization: Bearer <token>` as well, as Prometheus sends it with
    /// `authorization: { credentials_file: … }` in its scrape configuration (RFC 6750). The two are
    /// compared in constant time. Over a network that others can listen to, use it with TLS.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = std::env::temp_dir().join("instrument-metrics-doctest-token");
    /// # std::fs::write(&file, "c29tZSBzZWNyZXQ=\n")?;
    /// let token = std::fs::read_to_string(file)?;
    /// let access = instrument_metrics::Access::private_networks().bearer_token(token.trim())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AccessError::Token`] where it is empty or has characters that no token has, such as the
    /// line break at the end of a file.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Result<Self, AccessError> {
        let token = token.into();
        let body = token.trim_end_matches('=');
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        if body.is_empty() || !body.chars().all(allowed) {
            return Err(AccessError::Token);
        }
        self.token = Some(token);
        Ok(self)
    }

    /// Why this request may not read the metrics, if it may not.
    pub(crate) fn refusal(&self, request: &HttpRequest) -> Option<Refusal> {
        if let Some(peer) = request.peer_addr()
            && !self.holds(peer.ip())
        {
            return Some(Refusal::Network(peer.ip()));
        }
        let token = self.token.as_ref()?;
        let given =
            request.headers().get(AUTHORIZATION).and_then(|header| bearer(header.as_bytes()));
        let right = given.is_some_and(|given| bool::from(given.ct_eq(token.as_bytes())));
        (!right).then_some(Refusal::Token)
    }

    fn holds(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks.iter().any(|network| network.contains(&peer))
    }
}

impl Default for Access {
    fn default() -> Self {
        Self::private_networks()
    }
}

/// Without the token.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "…");
        f.debug_struct("Access").field("networks", &self.networks).field("token", &token).finish()
    }
}

/// A network, or one address; IPv4 written as IPv6 becomes IPv4.
fn parse(text: &str) -> Result<IpNet, AccessError> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| AccessError::Network(text.to_owned()))?;
    if let IpNet::V6(v6) = network
        && let Some(prefix) = v6.prefix_len().checked_sub(96)
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && let Ok(v4) = Ipv4Net::new(v4, prefix)
    {
        return Ok(v4.into());
    }
    Ok(network)
}

/// The token of `Bearer <token>`; the scheme's name may be written in any case.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// Why a request may not read the metrics.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Network(IpAddr),
    Token,
}

impl Refusal {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Network(_) => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(peer) => {
                write!(f, "These metrics are not for the network that you come from, {peer}.")
            }
            Self::Token => f.write_str(
                "These metrics need a token: send the right one as `Authorization: Bearer <token>`.",
            ),
        }
    }
}

/// Why an [`Access`] cannot be made.
///
/// `Debug` prints the sentence, too: it is what `main` and `unwrap` show.
///
/// ```
/// use instrument_metrics::{Access, AccessError};
///
/// let refused = Access::networks(["10.0.0.0/33"]);
/// assert!(matches!(refused, Err(AccessError::Network(network)) if network == "10.0.0.0/33"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// This is no network.
    #[error("{0:?} is no network: write it as 10.20.0.0/16, 2001:db8::/32 or one address")]
    Network(String),
    /// There are no networks.
    #[error("no network at all: nobody could read the metrics")]
    NoNetwork,
    /// This is no bearer token. It is not shown, as it is a secret.
    #[error(
        "the bearer token is empty or has a character that no token has: letters, digits and \
         -._~+/ are allowed, and = at the end; does it end in a line break?"
    )]
    Token,
}

impl fmt::Debug for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn refusal(access: &Access, peer: &str, authorization: Option<&str>) -> Option<u16> {
        let mut request =
            TestRequest::get().peer_addr((peer.parse::<IpAddr>().unwrap(), 5000).into());
        if let Some(authorization) = authorization {
            request = request.insert_header((AUTHORIZATION, authorization));
        }
        access.refusal(&request.to_http_request()).map(|refusal| refusal.status().as_u16())
    }

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
            assert_eq!(refusal(&Access::default(), peer, None), None, "{peer}");
        }
        for peer in far {
            assert_eq!(refusal(&Access::default(), peer, None), Some(403), "{peer}");
        }
    }

    #[test]
    fn networks_are_as_they_are_named() {
        let access =
            Access::networks(["10.20.0.0/16", "2001:db8::/32", "::ffff:192.0.2.0/120", "::1"]);
        let access = access.unwrap();
        for peer in ["10.20.3.4", "::ffff:10.20.3.4", "2001:db8:1::1", "192.0.2.77", "::1"] {
            assert_eq!(refusal(&access, peer, None), None, "{peer}");
        }
        for peer in ["10.21.0.1", "127.0.0.1", "2001:db9::1", "192.0.3.1", "::2"] {
            assert_eq!(refusal(&access, peer, None), Some(403), "{peer}");
        }
        for peer in ["8.8.8.8", "::ffff:8.8.8.8", "2001:db8::1"] {
            assert_eq!(refusal(&Access::everywhere(), peer, None), None, "{peer}");
        }
    }

    #[test]
    fn a_token_is_asked_for_after_the_network() {
        let near = Access::private_networks().bearer_token("c2VjcmV0==").unwrap();
        let right = Some("Bearer c2VjcmV0==");
        assert_eq!(refusal(&near, "10.0.0.1", right), None);
        assert_eq!(refusal(&near, "10.0.0.1", Some("bearer  c2VjcmV0==")), None);
        assert_eq!(refusal(&near, "8.8.8.8", right), Some(403));
        for wrong in [
            "Bearer c2VjcmV0=",
            "Bearer C2VjcmV0==",
            "Bearer c2VjcmV0==x",
            "Bearer ",
            "Bearer",
            "",
            "Basic c2VjcmV0==",
            "Digest c2VjcmV0==",
            "c2VjcmV0==",
        ] {
            assert_eq!(refusal(&near, "10.0.0.1", Some(wrong)), Some(401), "{wrong}");
        }
        assert_eq!(refusal(&near, "10.0.0.1", None), Some(401));
        let anywhere = Access::everywhere().bearer_token("c2VjcmV0==").unwrap();
        assert_eq!(refusal(&anywhere, "8.8.8.8", right), None);
        assert_eq!(refusal(&anywhere, "8.8.8.8", None), Some(401));
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_sentence_and_no_secret_is_shown() {
        let error = Access::networks(["10.0.0.0/33"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"10.0.0.0/33\" is no network: write it as 10.20.0.0/16, 2001:db8::/32 or one address"
        );
        let none: [&str; 0] = [];
        assert!(matches!(Access::networks(none), Err(AccessError::NoNetwork)));
        for wrong in ["", "==", "secret\n", "two words", "größe", "a=b"] {
            let Err(error) = Access::everywhere().bearer_token(wrong) else { panic!("{wrong:?}") };
            assert!(wrong.len() < 4 || !format!("{error:?}").contains(wrong), "{error:?}");
        }
        let access = Access::everywhere().bearer_token("hunter2").unwrap();
        assert!(!format!("{access:?}").contains("hunter2"));
    }
}
