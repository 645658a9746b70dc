//! What every server of the cluster sees of a storage: the script that is run over ssh, and the judgement of its output.

use super::{Cause, Destination, Fault, PROBE_BYTES, StorageCheck, StorageKind, TestedCheck};
use crate::domain::command_line::shell;
use crate::domain::diagnosis::foreign;

/// The types of file systems that are on another host.
const REMOTE: [&str; 11] = ["nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "gpfs", "beegfs", "ocfs2", "gfs2", "9p"];

/// Whether a file system of this type is on another host.
#[must_use]
pub fn is_remote(kind: &str) -> bool {
    REMOTE.contains(&kind) || kind.starts_with("fuse.")
}

/// The output of the script on one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReply {
    /// The server, as the cluster lists it.
    pub server: String,
    /// What the script printed, or why there is no output.
    pub said: Result<String, String>,
}

/// Returns a shell script that prints what a server sees, one `name=value` a line. It holds no secret.
///
/// For a folder it runs `ob_admin test_io_device` where the server has it, the directory exists, and its parent is on the same
/// file system: in an empty directory that it makes beside it and removes. Otherwise it writes nothing. V4.2.5 docs,
/// `ob_admin`: `test_io_device` requires an empty path. For an object storage it would take the key as an argument, so it is
/// not run there.
#[must_use]
pub fn script(destination: &Destination) -> String {
    let quoted = |text: &str| shell(&[text.to_owned()]);
    if destination.kind() != StorageKind::File {
        let host = destination.attribute("host").unwrap_or_default();
        let url = if host.contains("://") { host.to_owned() } else { format!("http://{host}") };
        return format!(
            "url={}\n\
             command -v ob_admin >/dev/null 2>&1 && echo admin=yes\n\
             if command -v curl >/dev/null 2>&1; then\n\
             \x20 code=$(curl -s -o /dev/null --noproxy '*' --max-time 8 -w '%{{http_code}}' \"$url\")\n\
             \x20 echo \"curl=$? $code\"\n\
             else echo 'curl=none'; fi\n\
             echo end=yes\n",
            quoted(&url)
        );
    }
    format!(
        "dir={}\n\
         while [ ! -e \"$dir\" ] && [ \"$dir\" != / ]; do dir=$(dirname \"$dir\"); done\n\
         echo \"at=$dir\"\n\
         echo \"mount=$(findmnt -rn -o FSTYPE,SOURCE,TARGET -T \"$dir\" 2>/dev/null | tail -n 1)\"\n\
         user=$(ps -o user= -C observer 2>/dev/null | head -n 1 | tr -d ' ')\n\
         echo \"user=$user\"\n\
         me=$(id -un)\n\
         if [ -z \"$user\" ] || [ \"$user\" = \"$me\" ]; then test -w \"$dir\" && echo writable=yes || echo writable=no\n\
         elif sudo -n -u \"$user\" true 2>/dev/null; then sudo -n -u \"$user\" test -w \"$dir\" && echo writable=yes || echo writable=no\n\
         else echo writable=unknown; fi\n\
         echo \"me=$me\"\n\
         echo \"free=$(df -Pk \"$dir\" 2>/dev/null | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)\"\n\
         as() {{ if [ -z \"$user\" ] || [ \"$user\" = \"$me\" ]; then \"$@\"; else sudo -n -u \"$user\" \"$@\"; fi; }}\n\
         if command -v ob_admin >/dev/null 2>&1; then\n\
         \x20 echo admin=yes\n\
         \x20 above=$(dirname \"$dir\")\n\
         \x20 probe=\"$above/.obnow-io-device-$$\"\n\
         \x20 if [ \"$dir\" = {0} ] && [ \"$(stat -L -c %d \"$dir\")\" = \"$(stat -L -c %d \"$above\")\" ] && as mkdir \"$probe\" 2>/dev/null; then\n\
         \x20   here=$(mktemp -d) && chmod 777 \"$here\" && cd \"$here\"\n\
         \x20   as timeout 20 ob_admin test_io_device -d \"file://$probe\" >/dev/null 2>&1; echo \"io=$?\"\n\
         \x20   cd / && as rm -rf \"$probe\" \"$here\"; rm -rf \"$here\"\n\
         \x20   [ -e \"$probe\" ] && echo \"left=$probe\"\n\
         \x20 fi\n\
         fi\n\
         echo end=yes\n",
        quoted(destination.path())
    )
}

/// What a server sees of a folder.
struct Folder<'a> {
    server: &'a str,
    at: &'a str,
    kind: &'a str,
    source: String,
    point: String,
    user: &'a str,
    writable: &'a str,
    free: Option<u64>,
    /// The exit status of `ob_admin test_io_device`; None: it was not run there.
    device: Option<&'a str>,
    /// The test directory that could not be removed.
    left: Option<&'a str>,
}

fn value<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(str::trim)
}

impl<'a> Folder<'a> {
    fn read(server: &'a str, said: &'a str) -> Option<Self> {
        let mut mount = value(said, "mount")?.split(' ');
        let (kind, source, point) = (mount.next()?, mount.next().unwrap_or(""), mount.next().unwrap_or(""));
        // findmnt writes a space as \x20.
        let plain = |text: &str| foreign(&text.replace("\\x20", " "));
        let me = value(said, "me")?;
        Some(Self {
            server,
            at: value(said, "at")?,
            kind,
            source: plain(source),
            point: plain(point),
            user: value(said, "user").filter(|user| !user.is_empty()).unwrap_or(me),
            writable: value(said, "writable")?,
            free: value(said, "free").and_then(|free| free.parse::<u64>().ok()).map(|kilobytes| kilobytes << 10),
            device: value(said, "io"),
            left: value(said, "left"),
        })
    }
}

/// Judges the output of all servers: for a folder, that it is a mount of the same directory everywhere and that the server's
/// user may write to it; for an object storage, that its service answers. `ms` is how long all of them took.
#[must_use]
pub fn assess_servers(destination: &Destination, servers: &[ServerReply], ms: u64) -> TestedCheck {
    const CHECK: StorageCheck = StorageCheck::EveryServer;
    let whole = |says: &ServerReply| says.said.as_ref().is_ok_and(|said| value(said, "end") == Some("yes"));
    let answered: Vec<(&str, &str)> = servers
        .iter()
        .filter(|says| whole(says))
        .filter_map(|says| Some((says.server.as_str(), says.said.as_deref().ok()?)))
        .collect();
    let judged = if destination.kind() == StorageKind::File {
        let folders: Vec<Folder<'_>> =
            answered.iter().filter_map(|(server, said)| Folder::read(server, said)).collect();
        let unread = folders.len() < answered.len();
        of_folders(destination.path(), &folders).map(|found| (found, unread))
    } else {
        let silent = answered.iter().any(|(_, said)| value(said, "curl") == Some("none"));
        of_services(destination, &answered).map(|found| (found, silent))
    };
    let (found, unknown) = match judged {
        Err(fault) => return TestedCheck::fail(CHECK, Some(ms), *fault),
        Ok(judged) => judged,
    };
    if let Some(says) = servers.iter().find(|says| !whole(says)) {
        let why = match &says.said {
            Err(why) => foreign(why),
            Ok(_) => "it broke off".to_owned(),
        };
        let some = if found.is_empty() { String::new() } else { format!("; {found}") };
        return TestedCheck::not_checked(
            CHECK,
            format!("that every server reaches it: ssh to {}: {why}{some}", says.server),
        );
    }
    if servers.is_empty() {
        return TestedCheck::not_checked(CHECK, "that every server reaches it: the cluster lists none");
    }
    if unknown {
        let missing = if destination.kind() == StorageKind::File { "findmnt" } else { "curl" };
        return TestedCheck::not_checked(CHECK, format!("that every server reaches it: not every one has {missing}"));
    }
    TestedCheck::pass(CHECK, Some(ms), found)
}

fn of_folders(path: &str, folders: &[Folder<'_>]) -> Result<String, Box<Fault>> {
    let fault = |what: String, why: &str, next: String| Err(Box::new(Fault::new(Cause::Storage, what, why, next)));
    for folder in folders {
        let server = folder.server;
        if folder.point == "/" {
            return fault(
                format!("On {server}, {path} is not on a mount."),
                "It lies on that server's root file system: the backup would be scattered, and nobody could restore it.",
                format!("Mount the storage on {server}, as on the others: findmnt -T {path}."),
            );
        }
        if folder.writable == "no" {
            return fault(
                format!("On {server}, {} cannot write to {}.", foreign(folder.user), foreign(folder.at)),
                "The observer works as that user.",
                format!("Look at: ls -ldn {}, on {server}, and at the export's options.", foreign(folder.at)),
            );
        }
        if folder.free.is_some_and(|free| free < PROBE_BYTES as u64) {
            return fault(
                format!("On {server}, {path} is full."),
                "Less than 1 MiB is free.",
                format!("Make room; look at: df -h {path}, on {server}."),
            );
        }
    }
    if let Some(fault) = folders.iter().find_map(of_device) {
        return Err(fault);
    }
    if let [first, rest @ ..] = folders {
        if let Some(other) = rest.iter().find(|other| other.source != first.source) {
            return fault(
                format!(
                    "{} and {} have different storages at {path}: {} and {}.",
                    first.server, other.server, first.source, other.source
                ),
                "Every server must write to the same one, or nobody can restore the backup.",
                "Mount the same directory on every server.".to_owned(),
            );
        }
        if !rest.is_empty() && !is_remote(first.kind) {
            return fault(
                format!("{path} is a disk of each server's own ({} of {}).", foreign(first.kind), first.source),
                "Every server must write to the same storage, or nobody can restore the backup.",
                "Mount the same NFS directory on every server.".to_owned(),
            );
        }
        let unknown = folders.iter().any(|folder| folder.writable == "unknown");
        let writable = if unknown {
            format!("whether {} may write was not checked", foreign(first.user))
        } else {
            format!("{} may write", foreign(first.user))
        };
        let tested = folders.iter().filter(|folder| folder.device.is_some()).count();
        let device = if tested == 0 { String::new() } else { format!(", ob_admin test_io_device passed on {tested}") };
        let all = count(folders.len());
        return Ok(format!("{all}: {} of {}, {writable}{device}", foreign(first.kind), first.source));
    }
    Ok(String::new())
}

/// Returns the fault that OceanBase's own tool found in the folder on one server.
fn of_device(folder: &Folder<'_>) -> Option<Box<Fault>> {
    let (server, at) = (folder.server, foreign(folder.at));
    if let Some(left) = folder.left {
        return Some(Box::new(Fault::new(
            Cause::Storage,
            format!("Left behind {} on {server}.", foreign(left)),
            "The directory of ob_admin's test could not be removed.",
            format!("On {server}: rm -rf {}", shell(&[foreign(left)])),
        )));
    }
    let status = folder.device.filter(|status| *status != "0")?;
    Some(Box::new(Fault::new(
        Cause::Storage,
        format!("On {server}, ob_admin test_io_device fails in {at} (exit status {}).", foreign(status)),
        "OceanBase's own tool cannot do there what a backup does.",
        format!("On {server}, see what it says: ob_admin test_io_device -d file://<an empty directory in {at}>."),
    )))
}

fn of_services(destination: &Destination, answered: &[(&str, &str)]) -> Result<String, Box<Fault>> {
    let host = foreign(destination.attribute("host").unwrap_or_default());
    for (server, said) in answered {
        let code = value(said, "curl").and_then(|said| said.split(' ').next()).unwrap_or_default();
        // curl(1), EXIT CODES.
        let why = match code {
            "0" | "none" => continue,
            "6" => "Its name has no address there.",
            "7" => "Nothing listens there, or a firewall refuses it.",
            "28" => "Nobody answered within 8 s.",
            "35" => "No encrypted connection comes about.",
            "60" => "Nobody that server trusts has signed the certificate.",
            _ => "The connection breaks.",
        };
        return Err(Box::new(Fault::new(
            Cause::Storage,
            format!("{server} does not reach {host}."),
            why,
            format!("On {server}, look at: curl -v {host}."),
        )));
    }
    if answered.is_empty() { Ok(String::new()) } else { Ok(format!("{}: {host} answers", count(answered.len()))) }
}

fn count(servers: usize) -> String {
    if servers == 1 { "1 server".to_owned() } else { format!("{servers} servers") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
mod tests {
    use super::super::TestResult;
    use super::*;

    const GOOD: &str =
        "at=/backup\nmount=nfs4 nas:/b /backup\nuser=admin\nwritable=yes\nme=admin\nfree=1048576\nend=yes\n";

    fn says(server: &str, said: &str) -> ServerReply {
        ServerReply { server: server.to_owned(), said: Ok(said.to_owned()) }
    }

    fn judged(servers: &[ServerReply]) -> (TestResult, String) {
        let destination = Destination::parse_user("file:///backup/data").unwrap();
        let check = assess_servers(&destination, servers, 7);
        (check.result, check.fault.map_or(check.found, |fault| fault.to_string()))
    }

    #[test]
    fn the_same_mount_everywhere_passes() {
        let (result, found) = judged(&[says("a", GOOD), says("b", GOOD)]);
        assert_eq!((result, found.as_str()), (TestResult::Pass, "2 servers: nfs4 of nas:/b, admin may write"));
    }

    #[test]
    fn each_way_not_to_be_the_same_storage_is_named() {
        for (from, to, wanted) in [
            ("nfs4 nas:/b /backup", "ext4 /dev/vda /", "On b, /backup/data is not on a mount."),
            ("nas:/b", "nas:/other", "a and b have different storages at /backup/data: nas:/b and nas:/other."),
            ("writable=yes", "writable=no", "On b, admin cannot write to /backup."),
            ("free=1048576", "free=12", "On b, /backup/data is full."),
        ] {
            let (result, said) = judged(&[says("a", GOOD), says("b", &GOOD.replace(from, to))]);
            assert_eq!(result, TestResult::Fail, "{to}");
            assert!(said.starts_with(wanted), "{said}");
        }
        let local = GOOD.replace("nfs4 nas:/b", "xfs /dev/sdb1");
        let (result, said) = judged(&[says("a", &local), says("b", &local)]);
        assert_eq!(result, TestResult::Fail);
        assert!(said.starts_with("/backup/data is a disk of each server's own (xfs of /dev/sdb1)."), "{said}");
        assert_eq!(judged(&[says("a", &local)]).0, TestResult::Pass, "one server alone may have its own");
    }

    #[test]
    fn a_server_that_cannot_be_asked_is_not_checked_and_what_the_others_say_stays() {
        let mute = ServerReply { server: "b".into(), said: Err("Permission denied (publickey).".into()) };
        let (result, said) = judged(&[says("a", GOOD), mute.clone()]);
        assert_eq!(result, TestResult::NotChecked);
        assert_eq!(
            said,
            "that every server reaches it: ssh to b: Permission denied (publickey).; 1 server: nfs4 of nas:/b, admin may write"
        );
        let (result, said) = judged(&[says("a", &GOOD.replace("writable=yes", "writable=no")), mute]);
        assert_eq!(result, TestResult::Fail, "{said}");
        let (result, said) = judged(&[says("a", GOOD.trim_end_matches("end=yes\n"))]);
        assert_eq!(
            (result, said.as_str()),
            (TestResult::NotChecked, "that every server reaches it: ssh to a: it broke off")
        );
        let unknown = GOOD.replace("writable=yes", "writable=unknown");
        assert!(judged(&[says("a", &unknown)]).1.ends_with("whether admin may write was not checked"));
    }

    #[test]
    fn an_object_storage_is_reached_or_not() {
        let destination = Destination::parse_user("s3://b/p?host=https://s3.example.com&access_id=A").unwrap();
        let ask = |said: &[&str]| {
            let servers: Vec<ServerReply> = said.iter().map(|said| says("a", &format!("{said}\nend=yes"))).collect();
            let check = assess_servers(&destination, &servers, 7);
            (check.result, check.fault.map_or(check.found, |fault| format!("{} {}", fault.what, fault.why)))
        };
        let host = "https://s3.example.com";
        assert_eq!(ask(&["curl=0 403", "curl=0 200"]), (TestResult::Pass, format!("2 servers: {host} answers")));
        let named = format!("a does not reach {host}. Its name has no address there.");
        assert_eq!(ask(&["curl=0 403", "curl=6 000"]), (TestResult::Fail, named));
        assert_eq!(ask(&["curl=none"]).0, TestResult::NotChecked);
    }

    #[test]
    fn the_script_holds_no_secret_and_no_word_that_a_shell_reads() {
        let odd = Destination::parse_user("file:///backup/$(reboot)").unwrap();
        assert!(script(&odd).starts_with("dir='/backup/$(reboot)'\n"), "{}", script(&odd));
        let s3 = Destination::parse_user("s3://b/p?host=s3.example.com&access_id=AKIA").unwrap();
        assert!(script(&s3).starts_with("url=http://s3.example.com\n") && !script(&s3).contains("AKIA"));
    }
}
