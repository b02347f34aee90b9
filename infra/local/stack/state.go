package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"roster/internal/secret"
)

// secrets are what Secrets Manager holds in AWS.
type secrets struct {
	value   string
	derived *secret.Keys
	setup   string
	// old: the folder had them before.
	old bool
}

func (s secrets) keys(context.Context) (*secret.Keys, error) { return s.derived, nil }
func (s secrets) setupToken(context.Context) (string, error) { return s.setup, nil }

// readSecrets reads the folder's secrets, and makes them for a new one.
func readSecrets(data string) (secrets, error) {
	old := true
	value, err := kept(data, "secret", func() string { old = false; return rand.Text() + rand.Text() })
	if err != nil {
		return secrets{}, err
	}
	setup, err := kept(data, "setup-token", rand.Text)
	if err != nil {
		return secrets{}, err
	}
	derived, err := secret.Derive(value)
	return secrets{value, derived, setup, old}, err
}

// kept returns a file's line; a file that is missing is made, whole or not at all.
func kept(data, name string, make func() string) (string, error) {
	if data == "" {
		return make(), nil
	}
	path := filepath.Join(data, name)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		value := make()
		return value, write(path, value)
	}
	return strings.TrimSpace(string(b)), err
}

// write replaces a file, whole or not at all.
func write(path, value string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.WriteString(value + "\n"); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// clock is the time of the stack, which can be moved.
type clock struct {
	offset atomic.Int64
	path   string
}

// readClock goes on with the folder's clock.
func readClock(data string) (*clock, error) {
	c := new(clock)
	if data == "" {
		return c, nil
	}
	c.path = filepath.Join(data, "clock")
	b, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	offset, err := time.ParseDuration(strings.TrimSpace(string(b)))
	c.offset.Store(int64(offset))
	return c, err
}

// Now is the stack's time.
func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())).UTC() }

// Set moves the clock; it goes on running from there.
func (c *clock) Set(now time.Time) error {
	if c.path != "" {
		if err := write(c.path, time.Until(now).String()); err != nil {
			return err
		}
	}
	c.move(now)
	return nil
}

// move is Set for as long as the process lives.
func (c *clock) move(now time.Time) { c.offset.Store(int64(time.Until(now))) }
