//! `wasi:http` by hand, as a client library would use it.

use wasip2::{
    http::{
        outgoing_handler,
        types::{ErrorCode, Fields, Method, OutgoingRequest, RequestOptions, Scheme, http_error_code},
    },
    io::streams::StreamError,
};

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// What the body begins with.
    pub fn start(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(200)]).into_owned()
    }
}

pub fn ask(method: &str, url: &str, patience_ms: u64) -> Result<Answer, String> {
    let (scheme, rest) = url.split_once("://").ok_or("no URL")?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let request = OutgoingRequest::new(Fields::new());
    let method = match method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => Method::Other(other.into()),
    };
    request.set_method(&method).map_err(|()| "no method")?;
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    request.set_scheme(Some(&scheme)).map_err(|()| "no scheme")?;
    request.set_authority(Some(authority)).map_err(|()| "no authority")?;
    request.set_path_with_query(Some(path)).map_err(|()| "no path")?;
    let options = RequestOptions::new();
    if patience_ms > 0 {
        let nanoseconds = Some(patience_ms * 1_000_000);
        options.set_first_byte_timeout(nanoseconds).map_err(|()| "no timeout")?;
    }
    let coming = outgoing_handler::handle(request, Some(options)).map_err(words)?;
    coming.subscribe().block();
    let response = coming.get().ok_or("not ready")?.map_err(|()| "taken")?.map_err(words)?;
    let status = response.status();
    let incoming = response.consume().map_err(|()| "no body")?;
    let stream = incoming.stream().map_err(|()| "no stream")?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => body.extend(bytes),
            Err(StreamError::Closed) => return Ok(Answer { status, body }),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = http_error_code(&error);
                return Err(code.map_or_else(|| error.to_debug_string(), words));
            }
        }
        // What it read is not kept, so that a huge body meets the node's limit and not the guest's memory.
        if body.len() > 1 << 20 {
            body.truncate(1 << 10);
        }
    }
}

fn words(code: ErrorCode) -> String {
    match code {
        ErrorCode::InternalError(Some(why)) => why,
        other => format!("{other:?}"),
    }
}
