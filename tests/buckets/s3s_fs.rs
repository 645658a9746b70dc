//! s3s-fs: an S3 server in Rust on a directory. It checks signatures and clocks.

use std::path::Path;

use futures_util::StreamExt;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

use super::scripted_storage::{Request, ScriptedStorage};

pub const ID: &str = "AKIAFILES";
pub const KEY: &str = "files/secret+key";

/// A server on this folder, in which each folder is a bucket.
pub fn serve(folder: &Path) -> ScriptedStorage {
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
    service.set_auth(SimpleAuth::from_single(ID, KEY));
    let service = service.build();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    ScriptedStorage::new(move |request: &Request| {
        let mut asked = http::Request::builder().method(request.method.as_str()).uri(&request.target);
        for (name, value) in &request.headers {
            asked = asked.header(name, value);
        }
        let asked = asked.body(Body::from(request.body.clone())).unwrap();
        runtime.block_on(async {
            let answer = service.call(asked).await.unwrap();
            let status = answer.status().as_u16();
            let mut headers = vec![("date", httpdate())];
            for (name, value) in answer.headers() {
                let known = ["content-type", "etag", "last-modified"].into_iter().find(|known| name == known);
                headers.extend(known.map(|known| (known, value.to_str().unwrap().to_owned())));
            }
            let mut body = Vec::new();
            let mut pieces = answer.into_body();
            while let Some(piece) = pieces.next().await {
                body.extend_from_slice(&piece.unwrap());
            }
            Some((status, headers, body))
        })
    })
}

/// Returns the `Date` header that a web server in front of it would add.
pub fn httpdate() -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&jiff::Timestamp::now()).unwrap()
}
