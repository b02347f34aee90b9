package gateway

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// account and apiID stand where AWS would name an account and an API.
const (
	account = "000000000000"
	apiID   = "local"
)

// Event is the payload, in format 2.0, with which an HTTP API invokes the
// function behind routeKey ("GET /members/{user_id}" or "$default"). Path
// parameters come from r.PathValue, so r has passed a [http.ServeMux] pattern
// that names them.
//
// The source address is the peer's. Behind a proxy on this machine it is the
// last one in X-Forwarded-For, if that is an address.
func Event(r *http.Request, routeKey string, body []byte, requestID string, now time.Time) events.APIGatewayV2HTTPRequest {
	source, proxied := sourceIP(r)
	host := hostname(r.Host)
	text, encoded := encodeBody(body, r.Header.Get("Content-Type"))
	return events.APIGatewayV2HTTPRequest{
		Version:               "2.0",
		RouteKey:              routeKey,
		RawPath:               r.URL.Path, // an HTTP API decodes it, against its name
		RawQueryString:        r.URL.RawQuery,
		Cookies:               cookies(r.Header),
		Headers:               headers(r, source, proxied),
		QueryStringParameters: joined(r.URL.Query()),
		PathParameters:        pathParameters(r, routeKey),
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey:     routeKey,
			AccountID:    account,
			Stage:        "$default",
			RequestID:    requestID,
			APIID:        apiID,
			DomainName:   host,
			DomainPrefix: strings.SplitN(host, ".", 2)[0],
			Time:         now.UTC().Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch:    now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method:    r.Method,
				Path:      r.URL.Path,
				Protocol:  r.Proto,
				SourceIP:  source.String(),
				UserAgent: r.UserAgent(),
			},
		},
		Body:            text,
		IsBase64Encoded: encoded,
	}
}

// headers are the client's, names in lower case, and those that the gateway
// adds. Cookies have a field of their own.
func headers(r *http.Request, source netip.Addr, proxied bool) map[string]string {
	all := make(map[string]string, len(r.Header)+4)
	for name, values := range r.Header {
		all[strings.ToLower(name)] = strings.Join(values, ",")
	}
	delete(all, "cookie")
	all["host"] = r.Host
	if r.ContentLength > 0 {
		all["content-length"] = strconv.FormatInt(r.ContentLength, 10)
	}
	if !proxied {
		all["x-forwarded-for"] = strings.TrimPrefix(all["x-forwarded-for"]+", "+source.String(), ", ")
		all["x-forwarded-proto"] = "http"
	}
	return all
}

// joined has each name's values in one, separated by commas; nil when there
// are none.
func joined(query url.Values) map[string]string {
	if len(query) == 0 {
		return nil
	}
	all := make(map[string]string, len(query))
	for name, values := range query {
		all[name] = strings.Join(values, ",")
	}
	return all
}

func cookies(h http.Header) []string {
	var all []string
	for _, line := range h.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				all = append(all, cookie)
			}
		}
	}
	return all
}

// pathParameters has the values of the names in braces in routeKey, decoded;
// nil when there are none.
func pathParameters(r *http.Request, routeKey string) map[string]string {
	var all map[string]string
	for segment := range strings.SplitSeq(routeKey, "/") {
		name, ok := strings.CutPrefix(segment, "{")
		if !ok {
			continue
		}
		if all == nil {
			all = make(map[string]string)
		}
		name = strings.TrimSuffix(name, "}")
		all[name] = r.PathValue(name)
	}
	return all
}

// sourceIP is where a request comes from, and whether a proxy on this machine
// says so; only such a one is believed.
func sourceIP(r *http.Request) (source netip.Addr, proxied bool) {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	peer := from.Addr().Unmap()
	if !peer.IsLoopback() {
		return peer, false
	}
	forwarded := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	last := strings.TrimSpace(forwarded[strings.LastIndex(forwarded, ",")+1:])
	source, err := netip.ParseAddr(last)
	if err != nil || source.Zone() != "" { // a zone may be of any length
		return peer, false
	}
	return source.Unmap(), true
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}

// encodeBody gives a body as text for the types that an HTTP API takes for
// text, and in base64 for all others, application/x-www-form-urlencoded, every
// +json type and a missing type among them.
func encodeBody(body []byte, contentType string) (text string, encoded bool) {
	if len(body) == 0 || isText(contentType) && utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

func isText(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	switch media {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(media, "text/")
}
