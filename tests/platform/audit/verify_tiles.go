// Verifies an export of the audit log with Go's own packages for transparency logs, which share no code with ours.
//
//	verify_tiles FOLDER           every tile and every entry against the signed checkpoint
//	verify_tiles FOLDER OLDER     and that the tree begins with the one of an older export
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// folder reads tiles by the paths of C2SP, which leave away the tile height in Go's paths.
type folder string

func (f folder) Height() int                            { return 8 }
func (f folder) SaveTiles(tiles []tlog.Tile, d [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		found[i] = data
	}
	return found, nil
}

func (f folder) head(key string) tlog.Tree {
	verifier, err := note.NewVerifier(strings.TrimSpace(key))
	check(err)
	signed, err := os.ReadFile(filepath.Join(string(f), "checkpoint"))
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		check(fmt.Errorf("the checkpoint is of %s", lines[0]))
	}
	var tree tlog.Tree
	_, err = fmt.Sscan(lines[1], &tree.N)
	check(err)
	tree.Hash, err = tlog.ParseHash(lines[2])
	check(err)
	return tree
}

func main() {
	log := folder(os.Args[1])
	key, err := os.ReadFile(filepath.Join(string(log), "verifier-key"))
	check(err)
	tree := log.head(string(key))
	reader := tlog.TileHashReader(tree, log)
	for n := int64(0); n*256 < tree.N; n++ {
		width := int(tree.N - n*256)
		if width > 256 {
			width = 256
		}
		path := tlog.Tile{H: 8, L: -1, N: n, W: width}.Path()
		bundle, err := os.ReadFile(filepath.Join(string(log), strings.Replace(path, "tile/8/data", "tile/entries", 1)))
		check(err)
		for i := n * 256; len(bundle) > 0; i++ {
			length := int(binary.BigEndian.Uint16(bundle))
			entry := bundle[2 : 2+length]
			bundle = bundle[2+length:]
			hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
			check(err)
			leaf := tlog.RecordHash(entry)
			if !bytes.Equal(leaf[:], hashes[0][:]) {
				check(fmt.Errorf("entry %d does not fit its hash", i))
			}
			proof, err := tlog.ProveRecord(tree.N, i, reader)
			check(err)
			check(tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaf))
			width--
		}
		if width != 0 {
			check(fmt.Errorf("%d entries are missing", width))
		}
	}
	if len(os.Args) > 2 {
		older := folder(os.Args[2]).head(string(key))
		proof, err := tlog.ProveTree(tree.N, older.N, reader)
		check(err)
		check(tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash))
	}
	fmt.Println(tree.N, "entries verified")
}
