//! Executes what people ask of a running node through its API.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::control::{Control, ControlError};

/// Takes requests until `stop`, or until nobody is left to send one.
pub(super) async fn run(
    mut requests: mpsc::Receiver<Control>,
    leave: CancellationToken,
    stop: CancellationToken,
) {
    while let Some(Some(request)) = stop.run_until_cancelled(requests.recv()).await {
        match request {
            // Whoever asked may have gone; then nobody waits for the reply.
            Control::Stop { reply } => {
                leave.cancel();
                let _ = reply.send(());
            }
            Control::Reload { reply, .. } => {
                let _ = reply.send(Err(ControlError::Unavailable("it runs no plugins".into())));
            }
        }
    }
}
