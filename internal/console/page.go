package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"strings"
	"sync"

	"roster/internal/api"
)

//go:embed pages
var files embed.FS

// cached lets browsers keep what is the same for everyone.
const cached = "public, max-age=300"

var (
	home = sync.OnceValues(func() (api.Page, error) {
		return static("Who may use our models", "wide", "home.html", "home.js")
	})
	invite = sync.OnceValues(func() (api.Page, error) {
		return static("Invitation", "single", "invite.html", "common.js", "invite.js")
	})
	verify = sync.OnceValues(func() (api.Page, error) {
		return static("Verify your address", "single", "verify.html", "common.js", "verify.js")
	})
	reset = sync.OnceValues(func() (api.Page, error) {
		return static("A new password", "single", "reset.html", "common.js", "reset.js")
	})
)

var layout = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(files, "pages/layout.html")
})

// content is what the layout shows.
type content struct {
	Title, Class string
	Style        template.CSS
	Body         template.HTML
	Script       template.JS
}

// static makes a page of embedded files.
func static(title, class, body string, scripts ...string) (api.Page, error) {
	html, err := files.ReadFile("pages/" + body)
	if err != nil {
		return api.Page{}, err
	}
	var script strings.Builder
	for _, name := range scripts {
		source, err := files.ReadFile("pages/" + name)
		if err != nil {
			return api.Page{}, err
		}
		script.Write(source)
	}
	return render(title, class, template.HTML(html), script.String())
}

// render puts a body into the layout. All that the page consists of stands in
// it, and its policy lets nothing else in.
func render(title, class string, body template.HTML, script string, styles ...string) (api.Page, error) {
	var style strings.Builder
	for _, name := range append([]string{"style.css"}, styles...) {
		source, err := files.ReadFile("pages/" + name)
		if err != nil {
			return api.Page{}, err
		}
		style.Write(source)
	}
	page, err := layout()
	if err != nil {
		return api.Page{}, err
	}
	var out bytes.Buffer
	if err := page.Execute(&out, content{
		Title: title, Class: class, Style: template.CSS(style.String()), Body: body, Script: template.JS(script),
	}); err != nil {
		return api.Page{}, err
	}
	return api.Page{
		ContentType: "text/html; charset=utf-8",
		Headers: map[string]string{
			"cache-control":              cached,
			"content-security-policy":    policy(style.String(), script),
			"cross-origin-opener-policy": "same-origin",
			"permissions-policy":         "camera=(), geolocation=(), microphone=(), payment=()",
			"referrer-policy":            "no-referrer",
			"x-frame-options":            "DENY",
		},
		Body: out.Bytes(),
	}, nil
}

// policy allows the one style, the one script, and calls of the API. Forms are
// sent by the script alone: a password never becomes part of an address.
func policy(style, script string) string {
	directives := []string{
		"default-src 'none'", "style-src " + source(style), "img-src data:",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}
	if script != "" {
		directives = append(directives, "script-src "+source(script), "connect-src 'self'", "require-trusted-types-for 'script'")
	}
	return strings.Join(directives, "; ")
}

func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
