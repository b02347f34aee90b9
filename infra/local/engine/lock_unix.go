//go:build unix

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// lockFolder creates dir when missing and claims it for this process, until the
// returned file is closed here and in every child that inherited it. The file
// names the process that holds it.
func lockFolder(ctx context.Context, dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "engine.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	if err := claim(ctx, file); err != nil {
		defer file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			holder, _ := io.ReadAll(file)
			return nil, fmt.Errorf("engine: folder %s is in use by process %s", dir, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("engine: locking folder %s: %w", dir, err)
	}
	err = errors.Join(file.Truncate(0), writeAt(file, fmt.Sprintln(os.Getpid())))
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("engine: locking folder %s: %w", dir, err)
	}
	return file, nil
}

// claim waits a moment for the lock: the engine of a process that was just
// killed may be about to end.
func claim(ctx context.Context, file *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}
