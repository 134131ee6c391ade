//! `wasi:keyvalue`: what the plugin keeps on this node. A bucket is what its keys begin with: `bucket/key` is the key that
//! the plugin's state has.

use wasmtime::component::Resource;

use super::bindings::wasi::keyvalue::{
    atomics, batch,
    store::{self, Error, KeyResponse},
};
use crate::plugin::host::{
    Guest,
    bindings::hive::node::{state::Host as State, types::Error as Own},
};

/// Keys of one page; a page's cursor is how many came before it.
const PAGE: u32 = 1_000;

/// An open bucket.
pub struct Bucket {
    /// Its name and a slash.
    prefix: String,
}

impl Bucket {
    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

impl Guest {
    fn key(&mut self, bucket: &Resource<Bucket>, key: &str) -> Result<String, Error> {
        let bucket = self.resources().get(bucket).map_err(|error| Error::Other(error.to_string()))?;
        Ok(bucket.key(key))
    }
}

impl store::Host for Guest {
    async fn open(&mut self, identifier: String) -> Result<Resource<Bucket>, Error> {
        if identifier.contains('/') {
            return Err(Error::NoSuchStore);
        }
        let bucket = Bucket { prefix: format!("{identifier}/") };
        self.resources().push(bucket).map_err(|error| Error::Other(error.to_string()))
    }
}

impl store::HostBucket for Guest {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Result<Option<Vec<u8>>, Error> {
        let key = self.key(&bucket, &key)?;
        State::get(self, key).map_err(theirs)
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Result<(), Error> {
        let key = self.key(&bucket, &key)?;
        State::set(self, key, value, None).await.map_err(theirs)
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Result<(), Error> {
        let key = self.key(&bucket, &key)?;
        State::delete(self, key).await.map_err(theirs)
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Result<bool, Error> {
        let key = self.key(&bucket, &key)?;
        State::get(self, key).map(|value| value.is_some()).map_err(theirs)
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> Result<KeyResponse, Error> {
        let prefix = self.key(&bucket, "")?;
        let skipped = cursor.unwrap_or(0);
        let (mut before, mut after) = (0_u64, None);
        loop {
            let most = match skipped.saturating_sub(before) {
                0 => PAGE,
                left => u32::try_from(left).unwrap_or(PAGE).min(PAGE),
            };
            let page = State::keys(self, prefix.clone(), after, most).map_err(theirs)?;
            let count = u64::try_from(page.len()).unwrap_or(u64::MAX);
            if before == skipped {
                let is_last = count < u64::from(PAGE);
                let keys = page.iter().filter_map(|key| key.strip_prefix(&prefix));
                let cursor = (!is_last).then_some(skipped.saturating_add(count));
                return Ok(KeyResponse { keys: keys.map(str::to_owned).collect(), cursor });
            }
            let Some(last) = page.into_iter().next_back() else {
                return Ok(KeyResponse { keys: Vec::new(), cursor: None });
            };
            (before, after) = (before.saturating_add(count), Some(last));
        }
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.resources().delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Guest {
    async fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: u64) -> Result<u64, Error> {
        let delta = i64::try_from(delta).map_err(|_| Error::Other("the sum would not fit 63 bits".into()))?;
        let key = self.key(&bucket, &key)?;
        let sum = State::increment(self, key, delta).await.map_err(theirs)?;
        u64::try_from(sum).map_err(|_| Error::Other("the sum is below 0".into()))
    }
}

impl batch::Host for Guest {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Result<Vec<Option<(String, Vec<u8>)>>, Error> {
        let full: Result<Vec<_>, _> = keys.iter().map(|key| self.key(&bucket, key)).collect();
        let values = State::get_each(self, full?).map_err(theirs)?;
        Ok(keys.into_iter().zip(values).map(|(key, value)| value.map(|value| (key, value))).collect())
    }

    async fn set_many(
        &mut self,
        bucket: Resource<Bucket>,
        values: Vec<(String, Vec<u8>)>,
    ) -> Result<(), Error> {
        for (key, value) in values {
            let key = self.key(&bucket, &key)?;
            State::set(self, key, value, None).await.map_err(theirs)?;
        }
        Ok(())
    }

    async fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Result<(), Error> {
        for key in keys {
            let key = self.key(&bucket, &key)?;
            State::delete(self, key).await.map_err(theirs)?;
        }
        Ok(())
    }
}

fn theirs(error: Own) -> Error {
    match error {
        Own::Denied(_) => Error::AccessDenied,
        other => Error::Other(super::messaging::text(other)),
    }
}
