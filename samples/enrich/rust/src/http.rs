//! A GET over `wasi:http`, with nothing between: to be copied. It must not know what is asked for.

use std::time::Duration;

use wasip2::{
    http::{
        outgoing_handler,
        types::{ErrorCode, Fields, OutgoingRequest, RequestOptions, Scheme, http_error_code},
    },
    io::streams::StreamError,
};

/// Bytes of an answer at most: more is not kept in the handler's memory.
const BODY_BYTES_MAX: usize = 1 << 20;

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Unreachable {
    /// There never will be one: the address is none, or the node's configuration does not open the host to this plugin. The
    /// text is the line to add.
    Refused(String),
    /// Not now.
    Gone(String),
}

/// Asks, and waits for the whole answer. A redirect is an answer like any other.
pub fn get(url: &str, patience: Duration) -> Result<Answer, Unreachable> {
    let refused = |why: &str| Unreachable::Refused(format!("{url}: {why}"));
    let unreachable = |code| unreachable(url, code);
    let (scheme, rest) = url.split_once("://").ok_or_else(|| refused("not an address"))?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&scheme)).map_err(|()| refused("no scheme"))?;
    request.set_authority(Some(authority)).map_err(|()| refused("no host"))?;
    request.set_path_with_query(Some(path)).map_err(|()| refused("no path"))?;
    let options = RequestOptions::new();
    let patience = u64::try_from(patience.as_nanos()).ok();
    options.set_connect_timeout(patience).map_err(|()| refused("no timeout"))?;
    options.set_first_byte_timeout(patience).map_err(|()| refused("no timeout"))?;
    options.set_between_bytes_timeout(patience).map_err(|()| refused("no timeout"))?;
    let coming = outgoing_handler::handle(request, Some(options)).map_err(unreachable)?;
    coming.subscribe().block();
    let gone = || Unreachable::Gone(format!("{url}: no answer"));
    let response = coming.get().ok_or_else(gone)?.map_err(|()| gone())?.map_err(unreachable)?;
    let status = response.status();
    let incoming = response.consume().map_err(|()| gone())?;
    let stream = incoming.stream().map_err(|()| gone())?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => body.extend(bytes),
            Err(StreamError::Closed) => return Ok(Answer { status, body }),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = http_error_code(&error);
                let other = || Unreachable::Gone(format!("{url}: {}", error.to_debug_string()));
                return Err(code.map_or_else(other, unreachable));
            }
        }
        if body.len() > BODY_BYTES_MAX {
            return Err(refused("the answer is too large"));
        }
    }
}

/// The node refuses in words; whatever else goes wrong may go right the next time.
fn unreachable(url: &str, code: ErrorCode) -> Unreachable {
    let why = match code {
        ErrorCode::InternalError(Some(why)) => return Unreachable::Refused(why),
        ErrorCode::ConnectionRefused => "nobody listens there".to_owned(),
        ErrorCode::ConnectionTimeout | ErrorCode::HttpResponseTimeout => "no answer in time".to_owned(),
        ErrorCode::DnsError(_) => "no host of that name is found".to_owned(),
        other => format!("{other:?}"),
    };
    Unreachable::Gone(format!("{url}: {why}"))
}
