package main

import (
	"encoding/json"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// settings are what a team decides about its deployment, given as CDK context:
// in cdk.json or as -c key=value.
type settings struct {
	// Name begins the names of the stacks, so that an account may hold several
	// deployments. Key "name", default "Roster".
	Name string
	// PublicURL is where people and clients reach the deployment; links in mails
	// begin with it. Key "publicUrl", default the custom domain, else API
	// Gateway's own address, which is then "" here.
	PublicURL string
	// DomainName is a custom domain of the API, and CertificateARN its certificate
	// in ACM, in the same Region. Keys "domainName" and "certificateArn", together.
	DomainName     string
	CertificateARN string
	// OpenSignUp lets everyone create organizations. Key "signup", "open" or
	// "closed", default "closed".
	OpenSignUp bool
	// MailFrom is the sender of every mail, an address with or without a name. Key
	// "mailFrom", default no-reply at the mail domain. If "", CloudFormation asks
	// for it, as a parameter without default.
	MailFrom string
	// MailDomain is registered with SES. Key "mailDomain", default "": the sender
	// has been, or will be, verified by other means.
	MailDomain string
	// AlarmEmail gets the alarms. Key "alarmEmail", default "": nobody.
	AlarmEmail string
}

var (
	validName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,39}$`)
	validDomain = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`)
	validCert   = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[A-Za-z0-9-]+$`)
)

// newSettings reads and checks the settings. context returns nil for a key that
// is not set. The error says everything that is wrong in one line.
func newSettings(context func(key string) any) (settings, error) {
	var problems []error
	refuse := func(key, value, want string) {
		problems = append(problems, fmt.Errorf("context %s=%q: want %s", key, value, want))
	}
	text := func(key string) string {
		switch v := context(key).(type) {
		case nil:
			return ""
		case string:
			return strings.TrimSpace(v)
		default:
			refuse(key, fmt.Sprint(v), "a string")
			return ""
		}
	}
	s := settings{
		Name:           text("name"),
		PublicURL:      strings.TrimSuffix(text("publicUrl"), "/"),
		DomainName:     text("domainName"),
		CertificateARN: text("certificateArn"),
		MailFrom:       text("mailFrom"),
		MailDomain:     text("mailDomain"),
		AlarmEmail:     text("alarmEmail"),
	}
	switch signup := text("signup"); signup {
	case "", "closed":
	case "open":
		s.OpenSignUp = true
	default:
		refuse("signup", signup, `"open" or "closed"`)
	}
	if s.Name == "" {
		s.Name = "Roster"
	} else if !validName.MatchString(s.Name) {
		refuse("name", s.Name, "a letter, then up to 39 letters, digits and hyphens")
	}
	if s.PublicURL != "" && !isOrigin(s.PublicURL) {
		refuse("publicUrl", s.PublicURL, "https:// and a host, without a path")
	}
	if s.DomainName != "" && !validDomain.MatchString(s.DomainName) {
		refuse("domainName", s.DomainName, "a domain name in lower case")
	}
	if s.CertificateARN != "" && !validCert.MatchString(s.CertificateARN) {
		refuse("certificateArn", s.CertificateARN, "the ARN of an ACM certificate")
	}
	if (s.DomainName == "") != (s.CertificateARN == "") {
		problems = append(problems, errors.New("context domainName and certificateArn: want both or neither"))
	}
	if s.AlarmEmail != "" && address(s.AlarmEmail) != s.AlarmEmail {
		refuse("alarmEmail", s.AlarmEmail, "an e-mail address")
	}
	if s.MailDomain != "" && !validDomain.MatchString(s.MailDomain) {
		refuse("mailDomain", s.MailDomain, "a domain name in lower case")
	} else if s.MailFrom == "" && s.MailDomain != "" {
		s.MailFrom = "Roster <no-reply@" + s.MailDomain + ">"
	}
	switch from, err := netmail.ParseAddress(s.MailFrom); {
	case s.MailFrom == "":
	case err != nil:
		refuse("mailFrom", s.MailFrom, `an e-mail address, such as "Roster <no-reply@example.com>"`)
	case s.MailDomain != "" && !inDomain(from.Address, s.MailDomain):
		refuse("mailFrom", s.MailFrom, "an address of mailDomain "+s.MailDomain)
	case from.Name != "":
		s.MailFrom = from.String() // in ASCII (RFC 2047), as SES wants it
	}
	if s.PublicURL == "" && s.DomainName != "" {
		s.PublicURL = "https://" + s.DomainName
	}
	return s, oneLine(problems)
}

// address returns the bare address of "Name <address>", or "".
func address(s string) string {
	a, err := netmail.ParseAddress(s)
	if err != nil {
		return ""
	}
	return a.Address
}

// inDomain reports whether an address belongs to a domain or one below it.
func inDomain(address, domain string) bool {
	_, host, _ := strings.Cut(address, "@")
	host = strings.ToLower(host)
	return host == domain || strings.HasSuffix(host, "."+domain)
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && s == "https://"+u.Host
}

func oneLine(problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.ReplaceAll(errors.Join(problems...).Error(), "\n", "; "))
}

// readContext returns the context of a cdk.json. The CDK command line hands it to
// the app by itself; read here, it also holds when the app runs without.
func readContext(file string) (map[string]any, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(b, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return config.Context, nil
}
