//! What a client asks for: the head of an HTTP request.

use std::ops::Range;

/// How the answer to a request begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status(pub u16, pub &'static str);

pub const OK: Status = Status(200, "OK");
pub const PARTIAL_CONTENT: Status = Status(206, "Partial Content");
pub const MOVED: Status = Status(301, "Moved Permanently");
pub const NOT_MODIFIED: Status = Status(304, "Not Modified");
pub const BAD_REQUEST: Status = Status(400, "Bad Request");
pub const NOT_FOUND: Status = Status(404, "Not Found");
pub const METHOD_NOT_ALLOWED: Status = Status(405, "Method Not Allowed");
pub const TOO_SLOW: Status = Status(408, "Request Timeout");
pub const CONTENT_TOO_LARGE: Status = Status(413, "Content Too Large");
pub const RANGE_NOT_SATISFIABLE: Status = Status(416, "Range Not Satisfiable");
pub const HEAD_TOO_LARGE: Status = Status(431, "Request Header Fields Too Large");
pub const INTERNAL_ERROR: Status = Status(500, "Internal Server Error");
pub const VERSION_NOT_SUPPORTED: Status = Status(505, "HTTP Version Not Supported");

/// A request for a file.
#[derive(Debug, Default)]
pub struct Request {
    /// As it was sent: for the log, and to be sent back.
    pub target: String,
    /// The path, without its query, decoded.
    pub path: Vec<u8>,
    /// Only the head of the answer is wanted.
    pub head_only: bool,
    /// Another request may follow on the connection.
    pub keep_alive: bool,
    pub range: Option<Asked>,
    pub if_range: Option<String>,
    pub if_none_match: Option<String>,
}

/// A range, as it was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

impl Asked {
    /// The bytes of a file of so many. `None`: there are none.
    pub fn of(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Asked::From(first) => first..length,
            Asked::Between(first, last) => first..last.saturating_add(1).min(length),
            Asked::Last(count) => length.saturating_sub(count)..length,
        };
        (!range.is_empty()).then_some(range)
    }

    /// One range of bytes. What is anything else counts as not said, as the standard allows: the whole
    /// file is sent then.
    fn parse(value: &str) -> Option<Asked> {
        let (first, last) = value.strip_prefix("bytes=")?.trim().split_once('-')?;
        match (first, last) {
            ("", last) => number(last).map(Asked::Last),
            (first, "") => number(first).map(Asked::From),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Asked::Between(first, last))
            }
        }
    }
}

/// A number of digits alone; `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl Request {
    /// Reads the head of a request, without the empty line at its end.
    pub fn parse(head: &[u8]) -> Result<Request, Status> {
        let head = std::str::from_utf8(head).map_err(|_| BAD_REQUEST)?;
        // Some clients send an empty line too many after a request.
        let mut lines = head.trim_start_matches("\r\n").split("\r\n");
        // Others take a line end of half the length for one.
        if lines.clone().any(|line| line.contains(|c: char| c.is_control() && c != '\t')) {
            return Err(BAD_REQUEST);
        }
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(BAD_REQUEST);
        };
        let is_newer = match version {
            "HTTP/1.0" => false,
            "HTTP/1.1" => true,
            other if other.starts_with("HTTP/") => return Err(VERSION_NOT_SUPPORTED),
            _ => return Err(BAD_REQUEST),
        };
        let mut request = Request { keep_alive: is_newer, ..Request::default() };
        let mut has_host = false;
        for line in lines {
            let (name, value) = line.split_once(':').ok_or(BAD_REQUEST)?;
            // A space before the colon, or a line that goes on, is how requests are smuggled.
            if name.is_empty() || name.contains([' ', '\t']) {
                return Err(BAD_REQUEST);
            }
            let value = value.trim_matches([' ', '\t']);
            match name.to_ascii_lowercase().as_str() {
                "host" => has_host = true,
                "connection" => request.keep_alive = keeps_alive(value, is_newer),
                "range" => request.range = Asked::parse(value),
                "if-range" => request.if_range = Some(value.to_owned()),
                "if-none-match" => request.if_none_match = Some(value.to_owned()),
                // A body would be taken for the next request.
                "content-length" if number(value) != Some(0) => return Err(CONTENT_TOO_LARGE),
                "transfer-encoding" => return Err(CONTENT_TOO_LARGE),
                _ => {}
            }
        }
        request.head_only = match method {
            "GET" => false,
            "HEAD" => true,
            _ => return Err(METHOD_NOT_ALLOWED),
        };
        if is_newer && !has_host {
            return Err(BAD_REQUEST);
        }
        request.path = target.split(['?', '#']).next().and_then(decoded).ok_or(BAD_REQUEST)?;
        request.target = target.to_owned();
        Ok(request)
    }
}

fn keeps_alive(value: &str, by_default: bool) -> bool {
    let mut words = value.split(',').map(str::trim);
    if by_default {
        !words.any(|word| word.eq_ignore_ascii_case("close"))
    } else {
        words.any(|word| word.eq_ignore_ascii_case("keep-alive"))
    }
}

/// A path with `%20` and the like replaced by what they stand for.
fn decoded(path: &str) -> Option<Vec<u8>> {
    let mut bytes = path.bytes();
    let mut plain = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    Some(plain)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(target: &str) -> Option<Vec<u8>> {
        let head = format!("GET {target} HTTP/1.0");
        Request::parse(head.as_bytes()).ok().map(|request| request.path)
    }

    #[test]
    fn paths_are_decoded_once() {
        assert_eq!(path_of("/a%20b?c=%20").unwrap(), b"/a b");
        assert_eq!(path_of("/%2e%2E%2f").unwrap(), b"/../");
        assert_eq!(path_of("/%252e").unwrap(), b"/%2e");
        assert_eq!(path_of("/%ff").unwrap(), b"/\xff");
        for broken in ["/%", "/%2", "/%zz", "/%+1"] {
            assert_eq!(path_of(broken), None, "{broken}");
        }
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        let of = |value: &str, length| Asked::parse(value).and_then(|asked| asked.of(length));
        assert_eq!(of("bytes=0-0", 10), Some(0..1));
        assert_eq!(of("bytes=2-5", 10), Some(2..6));
        assert_eq!(of("bytes=2-99", 10), Some(2..10));
        assert_eq!(of("bytes=2-", 10), Some(2..10));
        assert_eq!(of("bytes=-3", 10), Some(7..10));
        assert_eq!(of("bytes=-30", 10), Some(0..10));
        assert_eq!(of(&format!("bytes=0-{}", u64::MAX), 10), Some(0..10));
        for none in ["bytes=10-", "bytes=-0", "bytes=10-11"] {
            assert!(Asked::parse(none).is_some());
            assert_eq!(of(none, 10), None, "{none}");
        }
        for nonsense in
            ["bytes=", "bytes=-", "bytes=5-2", "bytes=+1-2", "lines=1-2", "bytes=0-1,3-4"]
        {
            assert_eq!(Asked::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn what_could_smuggle_a_second_request_in_is_refused() {
        let refused = |head: &str| Request::parse(head.as_bytes()).unwrap_err();
        assert_eq!(refused("GET / HTTP/1.0\r\nContent-Length: 5"), CONTENT_TOO_LARGE);
        assert_eq!(refused("GET / HTTP/1.0\r\nContent-Length: +0"), CONTENT_TOO_LARGE);
        assert_eq!(refused("GET / HTTP/1.0\r\nTransfer-Encoding: chunked"), CONTENT_TOO_LARGE);
        assert_eq!(refused("GET / HTTP/1.0\r\nContent-Length : 5"), BAD_REQUEST);
        assert_eq!(refused("GET / HTTP/1.0\r\n folded: 5"), BAD_REQUEST);
        assert_eq!(refused("GET / HTTP/1.1"), BAD_REQUEST);
        assert_eq!(refused("GET  / HTTP/1.0"), BAD_REQUEST);
        assert_eq!(refused("GET /\nX: HTTP/1.0"), BAD_REQUEST);
        assert_eq!(refused("GET / HTTP/1.0\r\nA: b\nContent-Length: 5"), BAD_REQUEST);
        assert_eq!(refused("GET / HTTP/2.0"), VERSION_NOT_SUPPORTED);
        assert_eq!(refused("POST / HTTP/1.0"), METHOD_NOT_ALLOWED);
        assert_eq!(refused(""), BAD_REQUEST);
    }
}
