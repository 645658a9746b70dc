//! moto: the S3 and IAM of AWS in Python. It checks keys, signatures and policies.

use std::process::Command;

use super::{Server, installed};

/// What `tests/run` installs.
pub const RELEASE: &str = "moto-5.2.5";

/// A server with one bucket, `backups`, in which nobody may do anything yet.
pub struct Moto {
    server: Server,
    client: reqwest::Client,
}

/// A user of it.
pub struct User {
    pub id: String,
    pub key: String,
}

impl Moto {
    /// Starts it; None with a loud word where it is not installed.
    pub async fn start() -> Option<Self> {
        let place = installed(RELEASE)?;
        let mut command = Command::new(place.join("bin/moto_server"));
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        let moto = Self { server: Server::start(command), client: client() };
        moto.put("/backups").await;
        Some(moto)
    }

    /// `s3://backups/...` on it.
    pub fn uri(&self, path: &str) -> String {
        format!(
            "s3://{path}?host=http://127.0.0.1:{}&addressing_model=path_style&s3_region=us-east-1",
            self.server.port
        )
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.server.port)
    }

    async fn put(&self, path: &str) {
        let done = self.client.put(self.url(path)).send().await.unwrap();
        assert!(done.status().is_success(), "{}", done.text().await.unwrap());
    }

    /// An object, put there before anybody's rights are looked at.
    pub async fn object(&self, key: &str, body: Vec<u8>) {
        let done = self.client.put(self.url(&format!("/backups/{key}"))).body(body).send().await.unwrap();
        assert!(done.status().is_success(), "{}", done.text().await.unwrap());
    }

    /// Keeps every version of an object from now on.
    pub async fn keep_versions(&self) {
        let body = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status>\
                    </VersioningConfiguration>";
        let done = self.client.put(self.url("/backups?versioning")).body(body).send().await.unwrap();
        assert!(done.status().is_success(), "{}", done.text().await.unwrap());
    }

    /// What is in the bucket, versions too; only while nobody's rights are looked at.
    pub async fn versions(&self) -> String {
        self.check_nobody().await;
        self.client.get(self.url("/backups?versions")).send().await.unwrap().text().await.unwrap()
    }

    /// A user who may do these actions in the bucket.
    pub async fn user(&self, name: &str, actions: &[&str]) -> User {
        self.iam(&format!("Action=CreateUser&UserName={name}")).await;
        let actions: Vec<String> = actions.iter().map(|action| format!("\"s3:{action}\"")).collect();
        let policy = format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":[{}],\"Resource\":\"*\"}}]}}",
            actions.join(",")
        );
        let policy = percent_encoding::utf8_percent_encode(&policy, percent_encoding::NON_ALPHANUMERIC).to_string();
        self.iam(&format!("Action=PutUserPolicy&UserName={name}&PolicyName=p&PolicyDocument={policy}")).await;
        let key = self.iam(&format!("Action=CreateAccessKey&UserName={name}")).await;
        let text = |element: &str| {
            let (_, with_tls) = key.split_once(&format!("<{element}>")).unwrap();
            with_tls.split_once('<').unwrap().0.to_owned()
        };
        User { id: text("AccessKeyId"), key: text("SecretAccessKey") }
    }

    async fn iam(&self, form: &str) -> String {
        let scope =
            "AWS4-HMAC-SHA256 Credential=X/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x";
        let request = self.client.post(self.url("/")).header("authorization", scope);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let done = request.body(format!("{form}&Version=2010-05-08")).send().await.unwrap();
        let status = done.status();
        let text = done.text().await.unwrap();
        assert!(status.is_success(), "{text}");
        text
    }

    /// From now on keys, signatures and policies are looked at.
    pub async fn check_everybody(&self) {
        self.auth_after("0").await;
    }

    async fn check_nobody(&self) {
        self.auth_after("inf").await;
    }

    async fn auth_after(&self, requests: &str) {
        let done = self.client.post(self.url("/moto-api/reset-auth")).body(requests.to_owned()).send().await.unwrap();
        assert!(done.status().is_success(), "{}", done.text().await.unwrap());
    }
}

/// A client without certificate authorities: everything here is on loopback.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}
