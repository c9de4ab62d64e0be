//! The file server, with curl, and with clients that mean it no good.

mod programs;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use programs::{Program, output, text_of};

const SERVER: &str = env!("CARGO_BIN_EXE_static_files");

/// A folder to serve, which is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("trio-files-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("sub")).unwrap();
        let folder = Folder(path);
        folder.write("digits.txt", b"0123456789");
        folder.write("sub/index.html", b"<p>the index");
        folder.write(".secret", b"secret");
        folder
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.0.join(name), content).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Server {
    program: Program,
    folder: Folder,
    url: String,
}

impl Server {
    fn start(name: &str, arguments: &[&str]) -> Server {
        let folder = Folder::new(name);
        let path = folder.0.to_str().unwrap().to_owned();
        let all = [&["--listen", "0", &path], arguments].concat();
        let mut program = Program::start(SERVER, &all);
        let url = program.wait_for_rest(" at ").trim_end_matches('/').to_owned();
        Server { program, folder, url }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap()
    }

    /// Sends this and no more: all that comes back.
    fn talk(&self, text: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(text.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        text_of(stream)
    }

    fn curl(&self, path: &str, arguments: &[&str]) -> Output {
        let url = format!("{}{path}", self.url);
        let common = ["-sS", "--path-as-is", "--max-time", "30", &url];
        output("curl", &[&common, arguments].concat(), Stdio::null())
    }

    /// The status, and the body.
    fn get(&self, path: &str, arguments: &[&str]) -> (String, Vec<u8>) {
        let output = self.curl(path, &[&["-w", "%{stderr}%{http_code}"], arguments].concat());
        (String::from_utf8(output.stderr).unwrap(), output.stdout)
    }
}

#[test]
fn curl_gets_files_and_what_they_are() {
    let server = Server::start("gets", &[]);
    assert_eq!(server.get("/digits.txt", &[]), ("200".into(), b"0123456789".to_vec()));
    assert_eq!(server.get("/digits.txt?x=/../y", &["-0"]).0, "200");
    assert_eq!(server.get("/sub/", &[]).1, b"<p>the index");
    let head = server.curl("/digits.txt", &["-I"]);
    let head = String::from_utf8(head.stdout).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Type: text/plain; charset=utf-8\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Length: 10\r\n"), "{head}");
    assert_eq!(server.get("/no.txt", &[]).0, "404");
    // A folder is sent to where the links in its index are right.
    assert_eq!(server.get("/sub", &[]).0, "301");
    assert_eq!(server.get("/sub?x", &["-L"]), ("200".into(), b"<p>the index".to_vec()));
}

#[test]
fn a_large_file_arrives_whole_and_in_parts() {
    let server = Server::start("large", &[]);
    let content: Vec<u8> = (0..20_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    server.folder.write("large", &content);
    assert!(server.get("/large", &[]).1 == content);
    assert!(server.get("/large", &["-r", "1000000-17000000"]).1 == content[1_000_000..=17_000_000]);
    // What broke off half-way is continued.
    let part = server.folder.0.join(".part");
    fs::write(&part, &content[..12_345_678]).unwrap();
    let resumed = server.curl("/large", &["-C", "-", "-o", part.to_str().unwrap()]);
    assert!(resumed.status.success());
    assert!(fs::read(&part).unwrap() == content);
}

#[test]
fn ranges_are_as_the_standard_has_them() {
    let server = Server::start("ranges", &[]);
    let range = |range: &str| server.get("/digits.txt", &["-r", range]);
    assert_eq!(range("0-0"), ("206".into(), b"0".to_vec()));
    assert_eq!(range("3-5"), ("206".into(), b"345".to_vec()));
    assert_eq!(range("7-"), ("206".into(), b"789".to_vec()));
    assert_eq!(range("-2"), ("206".into(), b"89".to_vec()));
    assert_eq!(range("8-99"), ("206".into(), b"89".to_vec()));
    assert_eq!(range("10-").0, "416");
    // Several at once are not divided: the file comes as a whole.
    assert_eq!(range("0-1,4-5"), ("200".into(), b"0123456789".to_vec()));
    let head = server.talk("GET /digits.txt HTTP/1.0\r\nRange: bytes=3-5\r\n\r\n");
    assert!(head.contains("\r\nContent-Range: bytes 3-5/10\r\n"), "{head}");
    let head = server.talk("GET /digits.txt HTTP/1.0\r\nRange: bytes=20-\r\n\r\n");
    assert!(head.contains("\r\nContent-Range: bytes */10\r\n"), "{head}");
}

#[test]
fn a_file_that_has_changed_is_told_from_the_one_before() {
    let server = Server::start("changed", &[]);
    let head = server.talk("HEAD /digits.txt HTTP/1.0\r\n\r\n");
    let tag = head.split_once("\r\nETag: ").unwrap().1.split_once("\r\n").unwrap().0;
    let (same, if_range) = (format!("If-None-Match: W/{tag}"), format!("If-Range: {tag}"));
    assert_eq!(server.get("/digits.txt", &["-H", &same]).0, "304");
    assert_eq!(server.get("/digits.txt", &["-H", &if_range, "-r", "1-2"]).1, b"12");
    server.folder.write("digits.txt", b"abcdefghijk");
    assert_eq!(server.get("/digits.txt", &["-H", &same]).0, "200");
    assert_eq!(server.get("/digits.txt", &["-H", &if_range, "-r", "1-2"]).1, b"abcdefghijk");
}

#[test]
fn connections_are_kept_for_several_requests() {
    let server = Server::start("kept", &[]);
    let second = format!("{}/sub/", server.url);
    let connects = ["-w", "%{stderr}%{num_connects} "];
    let output = server.curl("/digits.txt", &[&[second.as_str()], &connects[..]].concat());
    assert_eq!(output.stdout, b"0123456789<p>the index");
    assert_eq!(output.stderr, b"1 0 ");
    // Also if they come all at once, and each has its answer.
    let twice = "GET /digits.txt HTTP/1.1\r\nHost: here\r\n\r\n".repeat(2);
    let answers = server.talk(&format!("{twice}GET /no HTTP/1.0\r\n\r\n"));
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(answers.matches("HTTP/1.1 404 Not Found").count(), 1);
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let server = Server::start("outside", &[]);
    let name = server.folder.0.file_name().unwrap().to_str().unwrap();
    symlink("/etc", server.folder.0.join("link")).unwrap();
    symlink("digits.txt", server.folder.0.join("link.txt")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(server.folder.0.join("fifo")).status();
    assert!(made.unwrap().success());
    let back = format!("/../{name}/digits.txt");
    for path in [
        "/../../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/sub/../../../../etc/passwd",
        "//etc/passwd",
        "/link/passwd",
        "/link.txt",
        "/.secret",
        "/digits.txt%00.html",
        "/digits.txt/",
        "/./digits.txt",
        "/fifo",
        &back,
    ] {
        let (status, body) = server.get(path, &[]);
        assert_eq!((status.as_str(), &body[..]), ("404", &b"404 Not Found\n"[..]), "{path}");
    }
}

#[test]
fn what_is_not_for_it_is_refused() {
    let server = Server::start("refused", &[]);
    assert_eq!(server.get("/digits.txt", &["-X", "DELETE"]).0, "405");
    assert_eq!(server.get("/digits.txt", &["-d", "data"]).0, "413");
    assert!(server.talk("GET /digits.txt HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(server.talk("\x16\x03\x01\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert_eq!(server.talk("GET / HT"), "", "nobody waits for an answer to half a request");
}

#[test]
fn a_head_without_an_end_is_not_kept() {
    let server = Server::start("endless", &[]);
    let mut stream = server.connect();
    stream.write_all(format!("GET / HTTP/1.0\r\nX: {}", "x".repeat(100_000)).as_bytes()).unwrap();
    // The answer is not lost, although not all was received that was sent.
    assert!(text_of(stream).starts_with("HTTP/1.1 431 "));
    assert_eq!(server.get("/digits.txt", &[]).0, "200");
}

#[test]
fn who_takes_too_long_for_a_request_is_left() {
    let server = Server::start("slow", &["--patience", "0.3"]);
    let mut slow = server.connect();
    let silent = server.connect();
    slow.write_all(b"GET / HTT").unwrap();
    assert!(text_of(slow).starts_with("HTTP/1.1 408 "));
    assert_eq!(text_of(silent), "");
}

#[test]
fn who_does_not_take_what_it_has_asked_for_is_left() {
    let mut server = Server::start("deaf", &["--patience", "0.3", "--most", "1"]);
    server.folder.write("large", &vec![7; 50_000_000]);
    let mut deaf = server.connect();
    deaf.write_all(b"GET /large HTTP/1.0\r\n\r\n").unwrap();
    // It is the only one at a time: this one waits until it is gone.
    assert_eq!(server.get("/digits.txt", &[]).0, "200");
    let mut came = Vec::new();
    let end = deaf.read_to_end(&mut came);
    assert!(end.is_err() || came.len() < 50_000_000);
    server.program.wait_for("GET /digits.txt 200 10");
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, problem) in [
        (&[][..], "the folder to serve is missing"),
        (&["a", "b"], "one folder is enough: `b` is a second one"),
        (&["--listen", "here", "a"], "`here` is neither a port"),
        (&["--patience", "0", "a"], "`0` is not a number of seconds"),
        (&["--most", "0", "a"], "`0` is not a number of connections"),
        (&["--most"], "`--most` needs a value"),
        (&["--loud", "a"], "unknown option `--loud`"),
    ] {
        let output = output(SERVER, arguments, Stdio::null());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(problem) && said.contains("usage: static_files"), "{said}");
        assert_eq!(output.status.code(), Some(2));
    }
    let output = output(SERVER, &["/no/such/folder"], Stdio::null());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("Error: cannot serve /no/such/folder: "), "{said}");
}
