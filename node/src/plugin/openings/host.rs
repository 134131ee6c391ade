//! Hosts that may be asked over HTTP, as the configuration writes them.
//!
//! `api.example.com`, `*.example.org` (everything below it), `*` (everybody), each also with a scheme in front
//! (`https://…`) and a port behind (`localhost:8080`, `:*` for every port). Without a port it is the scheme's own.

use std::fmt;

use super::Wanted;

/// A host, or several, and what may be asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpHost {
    /// None: with or without TLS.
    tls: Option<bool>,
    name: Name,
    port: Port,
    /// Empty: every method.
    methods: Vec<Method>,
}

/// A method of HTTP, upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method(String);

impl Method {
    /// Reads a method, in either case.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let is_one = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
        if is_one { Ok(Self(text.to_ascii_uppercase())) } else { Err(HostError::Method(text.to_owned())) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Everybody,
    One(String),
    /// With the dot in front.
    Below(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Usual,
    Every,
    One(u16),
}

/// Why a text names no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Something behind the host.
    #[error("a host is opened whole, without a path")]
    Path,
    /// Neither `http` nor `https`.
    #[error("`{0}` is neither `http` nor `https`")]
    Scheme(String),
    /// A user or a password.
    #[error("a host is opened without user and password")]
    User,
    /// No port.
    #[error("`{0}` is no port")]
    Port(String),
    /// A wildcard in another place than in front.
    #[error("`*` stands alone, or for everything below a name, as in `*.example.org`")]
    Wildcard,
    /// No name or address.
    #[error("`{0}` is no name of a host")]
    Name(String),
    /// No method.
    #[error("`{0}` is no method of HTTP")]
    Method(String),
}

impl HttpHost {
    /// Reads a host.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let (tls, rest) = match text.split_once("://") {
            None => (None, text),
            Some(("http", rest)) => (Some(false), rest),
            Some(("https", rest)) => (Some(true), rest),
            Some((scheme, _)) => return Err(HostError::Scheme(scheme.to_owned())),
        };
        if rest.contains(['/', '?', '#']) {
            return Err(HostError::Path);
        }
        if rest.contains('@') {
            return Err(HostError::User);
        }
        let (name, port) = match rest.rsplit_once(':') {
            // The colons of an address in brackets.
            Some((_, after)) if after.ends_with(']') => (rest, Port::Usual),
            Some((name, "*")) => (name, Port::Every),
            Some((name, port)) => {
                let number = port.parse().ok().filter(|port| *port != 0);
                (name, Port::One(number.ok_or_else(|| HostError::Port(port.to_owned()))?))
            }
            None => (rest, Port::Usual),
        };
        Ok(Self { tls, name: Name::parse(name)?, port, methods: Vec::new() })
    }

    /// The same for these methods alone.
    #[must_use]
    pub fn only(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods.extend(methods);
        self
    }

    /// Whether a request may be made.
    #[must_use]
    pub fn allows(&self, wanted: &Wanted<'_>) -> bool {
        let method = self.methods.is_empty() || self.methods.iter().any(|method| method.0 == wanted.method);
        method && self.allows_but_for_its_method(wanted)
    }

    /// Whether a request might be made, were its method another.
    #[must_use]
    pub fn allows_but_for_its_method(&self, wanted: &Wanted<'_>) -> bool {
        let usual = if wanted.tls { 443 } else { 80 };
        let port = match self.port {
            Port::Usual => wanted.port == usual,
            Port::Every => true,
            Port::One(port) => wanted.port == port,
        };
        let name = match &self.name {
            Name::Everybody => true,
            Name::One(name) => name == wanted.host,
            Name::Below(end) => wanted.host.strip_suffix(end.as_str()).is_some_and(|rest| !rest.is_empty()),
        };
        port && name && self.tls.is_none_or(|tls| tls == wanted.tls)
    }
}

/// Bytes of a name in DNS.
const NAME_BYTES_MAX: usize = 253;

impl Name {
    fn parse(text: &str) -> Result<Self, HostError> {
        if text == "*" {
            return Ok(Self::Everybody);
        }
        let below = text.strip_prefix("*.");
        let name = below.unwrap_or(text).trim_end_matches('.').to_ascii_lowercase();
        if name.contains('*') {
            return Err(HostError::Wildcard);
        }
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        let inside = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let is_address = inside.is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok());
        let is_name = name.len() <= NAME_BYTES_MAX && name.split('.').all(label);
        match below {
            None if is_address || is_name => Ok(Self::One(name)),
            Some(_) if is_name => Ok(Self::Below(format!(".{name}"))),
            _ => Err(HostError::Name(text.to_owned())),
        }
    }
}

impl fmt::Display for HttpHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for method in &self.methods {
            write!(f, "{} ", method.0)?;
        }
        f.write_str(match self.tls {
            None => "",
            Some(false) => "http://",
            Some(true) => "https://",
        })?;
        match &self.name {
            Name::Everybody => f.write_str("*")?,
            Name::One(name) => f.write_str(name)?,
            Name::Below(end) => write!(f, "*{end}")?,
        }
        match self.port {
            Port::Usual => Ok(()),
            Port::Every => f.write_str(":*"),
            Port::One(port) => write!(f, ":{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_asked_where_its_line_says_so() {
        let check = |host: &str, tls: bool, name: &str, port: u16, want: bool| {
            let parsed = HttpHost::parse(host).unwrap_or_else(|error| panic!("{host}: {error}"));
            let wanted = Wanted { tls, host: name, port, method: "GET" };
            assert_eq!(parsed.allows(&wanted), want, "{host} for {wanted:?}");
        };
        for (port, tls, want) in
            [(80, false, true), (443, true, true), (443, false, false), (8080, true, false)]
        {
            check("API.example.com.", tls, "api.example.com", port, want);
        }
        check("https://api.example.com", true, "api.example.com", 443, true);
        check("https://api.example.com", false, "api.example.com", 80, false);
        check("api.example.com", false, "api.example.com.evil.org", 80, false);
        check("api.example.com", false, "xapi.example.com", 80, false);
        check("*.example.org", false, "a.b.example.org", 80, true);
        check("*.example.org", false, "example.org", 80, false);
        check("*.example.org", false, ".example.org", 80, false);
        check("*.example.org", false, "evilexample.org", 80, false);
        check("localhost:8080", false, "localhost", 8080, true);
        check("localhost:8080", false, "localhost", 80, false);
        check("localhost:*", true, "localhost", 1, true);
        check("[::1]:8080", false, "[::1]", 8080, true);
        check("[::1]", false, "[::1]", 80, true);
        check("*", true, "anybody.example", 443, true);
        check("*", true, "anybody.example", 444, false);
    }

    #[test]
    fn what_is_no_host_says_why() {
        let check = |host: &str, want: &str| {
            let error = HttpHost::parse(host).expect_err(host).to_string();
            assert_eq!(error, want);
        };
        check("example.org/path", "a host is opened whole, without a path");
        check("ftp://example.org", "`ftp` is neither `http` nor `https`");
        check("me:word@example.org", "a host is opened without user and password");
        check("localhost:port", "`port` is no port");
        check("localhost:0", "`0` is no port");
        check("api.*.org", "`*` stands alone, or for everything below a name, as in `*.example.org`");
        check("", "`` is no name of a host");
        check("two words", "`two words` is no name of a host");
        check("[::x]", "`[::x]` is no name of a host");
        assert!(Method::parse("G T").is_err());
    }

    #[test]
    fn hosts_are_written_as_they_are_read() {
        for host in ["api.example.com", "https://*.example.org:8443", "http://[::1]:*", "*"] {
            assert_eq!(HttpHost::parse(host).expect("a host").to_string(), host);
        }
    }
}
