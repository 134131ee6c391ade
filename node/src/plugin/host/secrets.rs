//! `hive:node/secrets`: what the configuration grants the plugin by name.

use super::{
    Guest,
    bindings::hive::node::{secrets, types::Error},
};
use crate::plugin::grants;

impl secrets::Host for Guest {
    fn get(&mut self, name: String) -> Result<String, Error> {
        let Some(place) = &self.place else {
            return Err(Error::Denied("`describe` is pure: no secret can be read from it".into()));
        };
        let secret = place.secrets.get(&name).map(|secret| secret.reveal().to_owned());
        secret.ok_or_else(|| Error::Denied(grants::no_secret(&place.plugin, &name)))
    }
}
