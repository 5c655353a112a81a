//! Finds the route of a request: the most specific one.
//!
//! In each segment, fixed text comes before `{name}`, which comes before `{name+}`. `$default` takes the rest. Of two
//! routes with the same path, the one with a method comes before `ANY`.

use std::collections::BTreeMap;

use crate::stack::{EventSource, Function};

/// A route and the function behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The route as in the template (`POST /v1/leads`).
    pub(super) key: String,
    pub(super) function: String,
    pub(super) authorized: bool,
    method: String,
    path: Path,
}

/// Kind of a path segment, in the order of precedence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Fixed(String),
    Parameter(String),
    Greedy(String),
}

#[derive(Debug, PartialEq, Eq)]
enum Path {
    Segments(Vec<Segment>),
    Default,
}

/// All routes, most specific first.
#[derive(Debug, Default)]
pub(super) struct Routes(Vec<Route>);

/// The route of a request, with its parameters.
#[derive(Debug)]
pub(super) struct Matched<'a> {
    pub(super) route: &'a Route,
    /// URL-decoded.
    pub(super) parameters: BTreeMap<String, String>,
    /// The URL-decoded path. HTTP APIs pass it on decoded, although they call it `rawPath`.
    pub(super) path: String,
}

impl Routes {
    pub(super) fn new(functions: &[Function]) -> Self {
        let mut routes: Vec<Route> = functions
            .iter()
            .flat_map(|function| function.sources.iter().map(move |source| (function, source)))
            .filter_map(|(function, source)| match source {
                EventSource::Route { method, path, authorized } => {
                    let key = if path == "$default" { path.clone() } else { format!("{method} {path}") };
                    let (method, path) = (method.clone(), Path::parse(path));
                    Some(Route { key, function: function.id.clone(), authorized: *authorized, method, path })
                }
                EventSource::Queue(_) | EventSource::Stream(_) | EventSource::Schedule { .. } => None,
            })
            .collect();
        routes.sort_by_key(Route::rank);
        Self(routes)
    }

    /// Returns the route for a method and an encoded path.
    pub(super) fn find(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        let segments: Vec<String> = path.strip_prefix('/').unwrap_or(path).split('/').map(decode).collect();
        self.0.iter().find_map(|route| {
            if route.method != "ANY" && route.method != method && route.path != Path::Default {
                return None;
            }
            let parameters = route.path.parameters(&segments)?;
            Some(Matched { route, parameters, path: format!("/{}", segments.join("/")) })
        })
    }
}

impl Route {
    /// Returns the sort key: the kind of each segment, then the method. The fixed texts do not matter, because at most
    /// one of two fixed segments matches.
    fn rank(&self) -> (Vec<u8>, bool) {
        let ranks = match &self.path {
            Path::Segments(segments) => segments
                .iter()
                .map(|segment| match segment {
                    Segment::Fixed(_) => 0,
                    Segment::Parameter(_) => 1,
                    Segment::Greedy(_) => 2,
                })
                .collect(),
            Path::Default => vec![3],
        };
        (ranks, self.method == "ANY")
    }
}

impl Path {
    fn parse(path: &str) -> Self {
        if path == "$default" {
            return Self::Default;
        }
        let segment = |text: &str| {
            let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
                return Segment::Fixed(text.to_owned());
            };
            match name.strip_suffix('+') {
                Some(name) => Segment::Greedy(name.to_owned()),
                None => Segment::Parameter(name.to_owned()),
            }
        };
        Self::Segments(path.strip_prefix('/').unwrap_or(path).split('/').map(segment).collect())
    }

    /// Returns the parameters if the segments match.
    fn parameters(&self, segments: &[String]) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        let Self::Segments(expected) = self else { return Some(parameters) };
        let mut rest = segments;
        for segment in expected {
            let (first, others) = rest.split_first()?;
            match segment {
                Segment::Fixed(text) if text == first => {}
                Segment::Parameter(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), first.clone());
                }
                Segment::Greedy(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), rest.join("/"));
                    return Some(parameters);
                }
                _ => return None,
            }
            rest = others;
        }
        rest.is_empty().then_some(parameters)
    }
}

/// Undoes percent-encoding. Invalid encodings stay unchanged.
pub(super) fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (byte == b'%').then(|| Some((hex(ahead.next()?)?, hex(ahead.next()?)?))).flatten();
        match digits {
            Some((high, low)) => {
                decoded.push(high * 16 + low);
                bytes = ahead;
            }
            None => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::fakes::function;

    fn routes(keys: &[&str]) -> Routes {
        let mut owner = function("F");
        for key in keys {
            let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
            let (method, path) = (method.to_owned(), path.to_owned());
            owner.sources.push(EventSource::Route { method, path, authorized: true });
        }
        Routes::new(&[owner])
    }

    #[test]
    fn the_most_specific_route_wins() {
        let routes = routes(&[
            "$default",
            "ANY /{proxy+}",
            "GET /v1/{proxy+}",
            "ANY /v1/leads",
            "POST /v1/leads",
            "GET /v1/leads/{id}",
            "GET /v1/leads/mine",
            "GET /v1/{kind}/{id}/events",
        ]);
        let cases = [
            ("POST", "/v1/leads", "POST /v1/leads"),
            ("GET", "/v1/leads", "ANY /v1/leads"),
            ("GET", "/v1/leads/mine", "GET /v1/leads/mine"),
            ("GET", "/v1/leads/7", "GET /v1/leads/{id}"),
            ("GET", "/v1/leads/7/events", "GET /v1/{kind}/{id}/events"),
            ("GET", "/v1/leads/", "GET /v1/{proxy+}"),
            ("GET", "/v1/a/b/c/d", "GET /v1/{proxy+}"),
            ("PUT", "/v1/leads/7", "ANY /{proxy+}"),
            ("PUT", "/", "$default"),
        ];
        for (method, path, key) in cases {
            assert_eq!(routes.find(method, path).map(|found| found.route.key.as_str()), Some(key), "{method} {path}");
        }
    }

    #[test]
    fn parameters_are_decoded_and_never_empty() {
        let routes = routes(&["GET /v1/{id}/x/{rest+}"]);
        let found = routes.find("GET", "/v1/a%2Fb%20c/x/d/%C3%A9%2").unwrap();
        assert_eq!(found.parameters["id"], "a/b c");
        assert_eq!(found.parameters["rest"], "d/é%2");
        assert_eq!(found.path, "/v1/a/b c/x/d/é%2");
        for missing in ["/v1//x/d", "/v1/a/x/", "/v1/a/x", "/v1/a"] {
            assert!(routes.find("GET", missing).is_none(), "{missing}");
        }
        assert!(routes.find("POST", "/v1/a/x/d").is_none());
    }
}
