package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"roster/infra/local/gateway"
	"roster/infra/local/invocation"
	"roster/internal/function"
	"roster/internal/route"
)

// routes are Roster's, as API Gateway serves them, and those that only a stack on
// one machine has.
func (s *Stack) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range route.All {
		mux.Handle(pattern(r.Key), gateway.Handler(r.Key, s.functions[r.Function]))
	}
	mux.Handle("/", gateway.Handler(route.Default, s.functions["console"]))

	mux.HandleFunc("GET /healthz", s.health)
	for pattern, handler := range map[string]http.Handler{
		"GET " + linksPath + "/":      s.files,
		"GET /_local/mail":            s.mailbox.MailboxPage(),
		"GET /_local/mail.json":       s.mailbox.MailboxJSON(),
		"GET /_local/demo.json":       http.HandlerFunc(s.showDemo),
		"GET /_local/clock":           http.HandlerFunc(s.showClock),
		"PUT /_local/clock":           http.HandlerFunc(s.setClock),
		"POST /_local/run/{function}": http.HandlerFunc(s.run),
	} {
		mux.Handle(pattern, s.ownPagesOnly(handler))
	}
	return exact(mux)
}

// ownPagesOnly keeps web pages from elsewhere, which the developer's browser may
// show, off routes that ask for no credential: they neither change anything
// (cross-origin requests) nor read mails and keys by a name of their own that
// leads here (DNS rebinding).
func (s *Stack) ownPagesOnly(next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.isOwnHost(r.Host) {
			refuse(w, http.StatusMisdirectedRequest, "this route is served to "+s.URL+" alone")
			return
		}
		sameOrigin.ServeHTTP(w, r)
	})
}

// isOwnHost reports whether a Host header names this machine's loopback, or the
// address at which the stack says that it is reached.
func (s *Stack) isOwnHost(host string) bool {
	if own, err := url.Parse(s.URL); err == nil && own.Host == host {
		return true
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return name == "localhost" || err == nil && ip.IsLoopback()
}

// serve answers HTTP until Close.
func (s *Stack) serve(listener net.Listener) {
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 30 * time.Second}
	s.closers = append(s.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	})
	s.running.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.fail(err)
		}
	})
}

// pattern is a route key for net/http, in which a path that ends with a slash
// stands for all below it.
func pattern(key string) string {
	if strings.HasSuffix(key, "/") {
		return key + "{$}"
	}
	return key
}

// exact keeps ServeMux from redirecting unclean paths, which API Gateway hands to
// the default route as they are.
func exact(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "//") || slices.ContainsFunc(strings.Split(r.URL.Path, "/"), isDots) {
			r.URL.Path = "/unclean" + strings.ReplaceAll(strings.ReplaceAll(r.URL.Path, "/", "-"), ".", "-")
			r.URL.RawPath = ""
		}
		mux.ServeHTTP(w, r)
	})
}

func isDots(part string) bool { return part == "." || part == ".." }

func (s *Stack) health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"success": true, "status": "ok"})
}

// run invokes a scheduled function now, or one of the operator's with the body as
// its event.
func (s *Stack) run(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("function")
	if slices.ContainsFunc(function.All, func(f function.Function) bool { return f.Name == name && f.Trigger == function.Operator }) {
		s.operate(w, r, name)
		return
	}
	schedule, ok := s.schedules[name]
	if !ok {
		refuse(w, http.StatusNotFound, "there is no scheduled function of this name")
		return
	}
	if err := schedule.Run(r.Context()); err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	answer(w, http.StatusOK, map[string]any{"success": true})
}

func (s *Stack) operate(w http.ResponseWriter, r *http.Request, name string) {
	event, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	out, err := invocation.Call(r.Context(), s.functions[name], rand.Text(), event)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out) // the client is gone
}

func (s *Stack) showClock(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"success": true, "now": s.clock.Now()})
}

// setClock moves the time: {"now": "2026-12-01T00:00:00Z"}.
func (s *Stack) setClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Now time.Time `json:"now"`
	}
	if err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, 1<<10), &in); err != nil || in.Now.IsZero() {
		refuse(w, http.StatusBadRequest, `send {"now": "2026-12-01T00:00:00Z"}`)
		return
	}
	if err := s.clock.Set(in.Now); err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.showClock(w, r)
}

func (s *Stack) showDemo(w http.ResponseWriter, _ *http.Request) {
	if s.demo == nil {
		refuse(w, http.StatusNotFound, "this stack has no demonstration")
		return
	}
	answer(w, http.StatusOK, s.demo)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, body, json.Deterministic(true)) // the client is gone
}

func refuse(w http.ResponseWriter, status int, detail string) {
	answer(w, status, map[string]any{"success": false, "detail": detail})
}
