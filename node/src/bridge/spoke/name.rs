//! Spoke's names: empty parts mean nothing, two control channels, and calls that are channels.

/// What a subscription is asked for on.
pub const SUBSCRIBE: &str = "-control/subscribe";
/// What one is given up on.
pub const UNSUBSCRIBE: &str = "-control/unsubscribe";

/// The name without empty parts.
#[must_use]
pub fn canonical(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for part in name.split('/').filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push('/');
        }
        out.push_str(part);
    }
    out
}

/// What a channel that belongs to a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rpc<'n> {
    /// `BASE/-rpc/CALLER/NUMBER/call`: somebody asks on the base.
    Call {
        /// Where it is asked.
        base: &'n str,
        /// All but the last part, which is `result` for the answer.
        stem: &'n str,
    },
    /// `BASE/-rpc/CALLER/NUMBER/result`.
    Result,
}

/// What a channel has to do with a call.
#[must_use]
pub fn rpc(channel: &str) -> Option<Rpc<'_>> {
    let (stem, what) = channel.rsplit_once('/')?;
    let mut parts = stem.rsplitn(4, '/');
    let (_number, _caller, mark, base) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if mark != "-rpc" || base.is_empty() {
        return None;
    }
    match what {
        "call" => Some(Rpc::Call { base, stem }),
        "result" => Some(Rpc::Result),
        _ => None,
    }
}

/// The base that a provider's subscription is for: `BASE/-rpc/**/call`.
#[must_use]
pub fn provided(pattern: &str) -> Option<&str> {
    pattern.strip_suffix("/-rpc/**/call").filter(|base| !base.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parts_mean_nothing() {
        let check = |name, want| assert_eq!(canonical(name), want, "{name}");
        check("//foo//", "foo");
        check("a/b", "a/b");
        check("/", "");
        check("", "");
        check("a///**/*", "a/**/*");
    }

    #[test]
    fn calls_are_told_apart() {
        let call = Rpc::Call { base: "a/b", stem: "a/b/-rpc/u-1/0" };
        assert_eq!(rpc("a/b/-rpc/u-1/0/call"), Some(call));
        assert_eq!(rpc("a/-rpc/u/1f/result"), Some(Rpc::Result));
        for none in ["-rpc/u/1/call", "a/-rpc/u/call", "a/rpc/u/1/call", "call", "", "a/-rpc/u/1/other"] {
            assert_eq!(rpc(none), None, "{none}");
        }
        assert_eq!(provided("a/*/-rpc/**/call"), Some("a/*"));
        assert_eq!(provided("-rpc/**/call"), None);
        assert_eq!(provided("a/-rpc/*/call"), None);
    }
}
