package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// findBinary returns the path of the Dynoxide binary for a platform: the one
// that npm installed below infra, and where infra/package.json has none for the
// platform, the one on the PATH.
func findBinary(goos, goarch string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	return binaryIn(root, goos, goarch)
}

func binaryIn(root, goos, goarch string) (string, error) {
	platform, pinned := map[string]string{"linux/amd64": "linux-x64"}[goos+"/"+goarch]
	if !pinned {
		path, err := exec.LookPath("dynoxide")
		if err != nil {
			return "", fmt.Errorf("engine: no DynamoDB engine is packaged for %s/%s: put dynoxide on the PATH, or set DYNAMODB_ENDPOINT to another DynamoDB-compatible engine", goos, goarch)
		}
		return path, nil
	}
	path := filepath.Join(root, "infra", "node_modules", "@dynoxide", platform, "dynoxide")
	if _, err := os.Stat(path); err != nil {
		return "", errors.New("engine: the DynamoDB engine is not installed: run `make setup` (npm ci --prefix infra)")
	}
	return path, nil
}

// moduleRoot is the nearest folder with a go.mod, from the working directory
// upwards: tests run in their package's folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("engine: %w", err)
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return "", errors.New("engine: no go.mod above the working directory: start inside the project's folder, or set DYNAMODB_ENDPOINT")
		}
		dir = parent
	}
}
