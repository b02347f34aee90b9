package mailer

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"strings"
	"sync"
	"text/template"

	"roster/internal/mail"
)

// errIncomplete marks data that lacks what its kind needs.
var errIncomplete = errors.New("incomplete data")

// Render writes the mail of a kind. It fails for an unknown kind, which a newer
// deployment may know, and, for good (see Permanent), if the data lack something
// that the kind needs.
func Render(kind mail.Kind, data mail.Data) (Message, error) {
	message, err := render(kind, cleaned(data))
	if err != nil {
		return Message{}, fmt.Errorf("mailer: render %q: %w", kind, err)
	}
	return message, nil
}

func render(kind mail.Kind, data mail.Data) (Message, error) {
	templates, err := parsed(kind)
	if err != nil {
		return Message{}, err
	}
	var subject, text, html strings.Builder
	if err := templates.text.ExecuteTemplate(&subject, "subject", mapNames(data, shortened)); err != nil {
		return Message{}, err
	}
	page := page{Data: mapNames(data, unlinked), Subject: subject.String()}
	if err := templates.text.Execute(&text, page); err != nil {
		return Message{}, err
	}
	if err := templates.html.Execute(&html, page); err != nil {
		return Message{}, err
	}
	return Message{Subject: subject.String(), Text: text.String(), HTML: html.String()}, nil
}

// page is what the layouts show.
type page struct {
	mail.Data
	Subject string
}

// Expires is "" if the link does not expire.
func (p page) Expires() string {
	if p.ExpiresAt.IsZero() {
		return ""
	}
	return p.ExpiresAt.UTC().Format("Monday, 2 January 2006 at 15:04 UTC")
}

//go:embed layout.txt layout.html templates
var files embed.FS

type templates struct {
	text *template.Template
	html *htmltemplate.Template
}

// cache holds the *templates of each Kind, parsed when first needed: an
// invocation seldom sends more than a few kinds.
var cache sync.Map

func parsed(kind mail.Kind) (*templates, error) {
	if known, ok := cache.Load(kind); ok {
		return known.(*templates), nil
	}
	t, err := parse(kind)
	if err != nil {
		return nil, err
	}
	cache.Store(kind, t)
	return t, nil
}

func parse(kind mail.Kind) (*templates, error) {
	path := "templates/" + string(kind)
	if _, err := fs.Stat(files, path+".txt"); err != nil {
		return nil, errors.New("unknown kind")
	}
	text, err := template.New("layout.txt").Funcs(functions).ParseFS(files, "layout.txt", path+".txt")
	if err != nil {
		return nil, err
	}
	html, err := htmltemplate.New("layout.html").Funcs(functions).ParseFS(files, "layout.html", path+".html")
	if err != nil {
		return nil, err
	}
	return &templates{text, html}, nil
}

// functions is what the templates may call besides the built-in ones. The text
// of a kind says by "need" what the kind cannot do without.
var functions = template.FuncMap{
	"need": func(name, value string) (string, error) {
		if value == "" {
			return "", fmt.Errorf("%w: no %s", errIncomplete, name)
		}
		return value, nil
	},
	"quoted": func(prose string) string {
		return strings.ReplaceAll("> "+strings.ReplaceAll(prose, "\n", "\n> "), "> \n", ">\n")
	},
	"lines":    func(prose string) []string { return strings.Split(prose, "\n") },
	"unlinked": unlinked,
	"action": func(link, label string) map[string]string {
		return map[string]string{"Link": link, "Label": label}
	},
}
