package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"
)

type object = map[string]any

// Call asks the stack as a client does, without a connection: method and path as
// in "POST /auth/login", a credential or none, a body or none. An answer that is
// no success is an error.
func (s *Stack) Call(ctx context.Context, request, credential string, body map[string]any) (map[string]any, error) {
	method, path, _ := strings.Cut(request, " ")
	var encoded []byte
	if body != nil {
		encoded, _ = json.Marshal(body) // of strings and numbers
	}
	r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(encoded))
	r.RemoteAddr = "127.0.0.1:0"
	r.Header.Set("Content-Type", "application/json")
	if credential != "" {
		r.Header.Set("Authorization", "Bearer "+credential)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	var out object
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s: %d %s", request, w.Code, w.Body)
	}
	return out, nil
}

// MailedToken waits for a mail to an address, and returns the token of the link
// in the newest.
func (s *Stack) MailedToken(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		for _, m := range s.mailbox.Mails(address) {
			for line := range strings.Lines(m.Text) {
				if link, err := url.Parse(strings.TrimSpace(line)); err == nil && link.Host != "" && link.Fragment != "" {
					return link.Fragment, nil
				}
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no mail to %s: %w", address, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Text returns the string at a path of member names.
func Text(o map[string]any, path ...string) string {
	var v any = o
	for _, name := range path {
		m, _ := v.(object)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}
