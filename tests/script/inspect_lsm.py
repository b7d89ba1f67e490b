#!/usr/bin/python3
"""Judges what `loam inspect --lsm --json` says: inspect_lsm.py LOAM FACT STORE [COPY [OTHER]]. COPY is made anew for each try."""
import glob
import json
import os
import random
import shutil
import subprocess
import sys

LOAM = sys.argv[1]
SUMS = ("files", "bytes", "entries", "deletes", "operands", "range_deletes")


def run(*words):
    done = subprocess.run([LOAM, *words], capture_output=True)
    return done.returncode, done.stdout, done.stderr


def shape(path, *words):
    code, out, _ = run("inspect", path, "--lsm", "--json", *words)
    return code, json.loads(out)


def blamed(told):
    return {finding["file"] for finding in told["findings"] if finding["weight"] == "corrupt"}


def copied(store, copy):
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(store, copy)


def names(store, end):
    return sorted(os.path.basename(path) for path in glob.glob(store + "/*" + end))


def flip(path, bit):
    with open(path, "r+b") as file:
        file.seek(bit // 8)
        old = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([old ^ 1 << bit % 8]))


def a_sound_store_is_clean_and_has_the_sums_of_stats(store):
    code, told = shape(store)
    stats = json.loads(run("stats", store, "--json")[1])
    assert code == 0 and told["verdict"] == "clean" and told["schema"] == 1, (code, told["verdict"])
    for name in SUMS:
        assert told["all"][name] == stats[name] == sum(level[name] for level in told["levels"]) == sum(tree[name] for tree in told["trees"]), name
        if name != "files": assert told["all"][name] == sum(file[name] for file in told["files"]), name
    assert told["sequence"] == stats["sequence"] and told["index"] == stats["index"]
    assert [file["file"] for file in told["files"]] and all(file["state"] == "sound" for file in told["files"])
    for file in told["files"]:
        assert os.path.getsize("%s/%010d.sst" % (store, file["file"])) == file["bytes"]
        assert bytes.fromhex(file["first_hex"]) <= bytes.fromhex(file["last_hex"])
    deep = [file for file in told["files"] if file["level"] > 0]
    for file in told["files"]:
        below = [one for one in deep if one["level"] == file["below_level"] and one["first_hex"] <= file["last_hex"] and file["first_hex"] <= one["last_hex"]]
        assert file["below_files"] == len(below) and file["below_bytes"] == sum(one["bytes"] for one in below), file


def each_edit_follows_from_the_one_before(store):
    _, last = shape(store, "--edits")
    there = set()
    assert last["manifest"]["last_edit"] == last["history"][-1]["edit"] == last["shown"]["edit"]
    for edit in last["history"]:
        code, told = shape(store, "--quick", "--at", str(edit["edit"]))
        shown = told["shown"]
        assert code == 0 and shown["edit"] == edit["edit"] and len(shown["added"]) == edit["added_files"], shown
        removed = {(file["file"], file["level"]) for file in shown["removed"]}
        assert removed <= there, (removed, there)
        there = there - removed | {(file["file"], file["level"]) for file in shown["added"]}
        assert {(file["file"], file["level"]) for file in told["files"]} == there, edit
        for file in told["files"]:
            assert file["added_by"] <= edit["edit"] and (file["removed_by"] or edit["edit"] + 1) > edit["edit"], file
            assert file["state"] == ("removed since" if file["removed_by"] else "present"), file
    assert {(file["file"], file["level"]) for file in last["files"]} == there


def a_diff_of_two_edits_leads_from_one_to_the_other(store):
    last = shape(store, "--quick")[1]["manifest"]["last_edit"]
    for a, b in ((1, last), (last // 3, last // 2), (last, last // 2), (last, last)):
        code, out, _ = run("inspect", store, "--lsm", "--json", "--diff", str(a), str(b))
        told = json.loads(out)
        before, after = ({file["file"] for file in shape(store, "--quick", "--at", str(edit))[1]["files"]} for edit in (a, b))
        assert code == 0 and told["a"]["edit"] == a and told["b"]["edit"] == b
        assert {file["file"] for file in told["removed"]} == before - after
        assert {file["file"] for file in told["added"]} == after - before
        assert told["same_files"] == len(before & after)


def a_flipped_bit_is_told_of_its_file_and_no_other(store, copy):
    dice = random.Random(11)
    copied(store, copy)
    tables, manifest = names(store, ".sst"), names(store, ".manifest")[0]
    for turn in range(60):
        name = (tables + [manifest, "SUPERBLOCK"])[turn % (len(tables) + 2)]
        size = os.path.getsize(store + "/" + name)
        bit = dice.randrange(size * 8)
        if name == "SUPERBLOCK": bit = dice.randrange(2) * 4096 * 8 + dice.randrange(512 * 8)
        if name == manifest and 512 <= bit // 8 < 4096: bit %= 512 * 8 # what is left of the header's page means nothing
        flip(copy + "/" + name, bit)
        code, told = shape(copy)
        assert code == 2 and blamed(told) == {name}, (name, bit, code, told["findings"])
        for finding in told["findings"]:
            assert finding["what"], finding
            if finding["weight"] == "corrupt": assert finding["affected"] and finding["to_do"], finding
        run("inspect", copy, "--lsm", "--html")
        flip(copy + "/" + name, bit)
    assert shape(copy)[0] == 0


def files_that_are_missing_or_cut_are_told_with_their_keys(store, copy):
    copied(store, copy)
    tables = names(store, ".sst")
    os.remove(copy + "/" + tables[0])
    os.truncate(copy + "/" + tables[1], 1000)
    with open(copy + "/" + tables[-1], "ab") as file: file.write(b"more")
    code, told = shape(copy)
    by_name = {"%010d.sst" % file["file"]: file for file in told["files"]}
    assert code == 2 and blamed(told) == {tables[0], tables[1], tables[-1]}, told["findings"]
    assert [by_name[name]["state"] for name in (tables[0], tables[1], tables[-1])] == ["missing", "another size", "another size"]
    for finding in told["findings"]:
        file = by_name[finding["file"]]
        assert file["first"] in finding["affected"] and file["last"] in finding["affected"] and str(file["entries"]) + " entries" in finding["affected"], finding
    early = shape(copy, "--at", "2")[1]
    assert all(file["state"] == "removed since" for file in early["files"] if file["removed_by"]), "what went by an edit is not missing"


def files_swapped_between_stores_are_told_from_damaged_ones(store, copy, other):
    copied(store, copy)
    tables = names(store, ".sst")
    shutil.copy(other + "/" + names(other, ".sst")[0], copy + "/" + tables[0])
    shutil.copy(store + "/" + tables[2], copy + "/" + tables[1]) # the third lies there twice
    code, told = shape(copy)
    what = {finding["file"]: finding["what"] for finding in told["findings"]}
    assert code == 2 and set(what) == {tables[0], tables[1]}, what
    assert "from another store" in what[tables[0]] and "These are the bytes of " + tables[2] in what[tables[1]], what
    assert {"%010d.sst" % file["file"] for file in told["files"] if file["state"] == "another file"} == {tables[0], tables[1]}


def damage_of_values_kept_apart_is_told_with_the_tables_that_refer_to_them(store, copy):
    copied(store, copy)
    sound, values = shape(store)[1], names(store, ".val")
    assert sound["verdict"] == "clean" and sound["values"]["files"] == len(values) >= 4, (sound["values"], values)
    assert sound["values"]["used_records"] <= sound["values"]["records"]
    os.remove(copy + "/" + values[0])
    flip(copy + "/" + values[1], os.path.getsize(store + "/" + values[1]) * 4)
    shutil.copy(store + "/" + values[3], copy + "/" + values[2])
    code, told = shape(copy)
    what = {finding["file"]: finding["what"] for finding in told["findings"]}
    assert code == 2 and blamed(told) == set(values[:3]), told["findings"]
    assert "missing" in what[values[0]] and "These are the bytes of " + values[3] in what[values[2]], what
    for finding in told["findings"]: assert "tables refer to, such as 00" in finding["affected"] and "keys \"" in finding["affected"], finding


def a_superblock_or_manifest_of_another_store_is_the_one_to_blame(store, copy, other):
    for name in ("SUPERBLOCK", names(store, ".manifest")[0]):
        copied(store, copy)
        shutil.copy(other + "/" + name, copy + "/" + name)
        code, told = shape(copy)
        assert code == 2 and blamed(told) == {"", name}, (name, told["findings"])
        assert any("SUPERBLOCK and " + names(store, ".manifest")[0] in finding["what"] for finding in told["findings"])
    copied(store, copy)
    for name in ("SUPERBLOCK", names(store, ".manifest")[0]): shutil.copy(other + "/" + name, copy + "/" + name)
    code, told = shape(copy)
    assert code == 2 and blamed(told) == {""} and "either these two or the tables were put here" in told["findings"][0]["what"], told["findings"]
    assert {"%010d.sst" % orphan["file"] for orphan in told["orphans"] if orphan["own_word"]} == set(names(store, ".sst"))


def edits_behind_a_damaged_one_still_count(store, copy):
    """What they add is judged, what they removed is not missed."""
    copied(store, copy)
    sound, manifest = shape(store, "--edits")[1], names(store, ".manifest")[0]
    edit = sound["history"][5]
    flip(copy + "/" + manifest, edit["offset"] * 8 + 1000)
    newest = "%010d.sst" % max(file["file"] for file in sound["files"])
    flip(copy + "/" + newest, 8 * 100)
    code, told = shape(copy)
    assert code == 2 and blamed(told) == {manifest, newest}, told["findings"]
    assert told["manifest"]["last_edit"] == edit["edit"] - 1 == told["shown"]["edit"]
    assert not [file for file in told["files"] if file["state"] == "missing"], told["files"]
    assert all("named by an edit behind the damage" in orphan["own_word"] for orphan in told["orphans"] if "%010d.sst" % orphan["file"] != newest), told["orphans"]


def two_stores_are_told_apart(store, other):
    told = json.loads(run("inspect", "--lsm", "--json", "--diff", store, other)[1])
    assert told["a"]["store"] != told["b"]["store"] and told["same_files"] == 0 and not told["moved"]
    assert len(told["removed"]) == len(names(store, ".sst")) and len(told["added"]) == len(names(other, ".sst"))
    same = json.loads(run("inspect", "--lsm", "--json", "--diff", store, store)[1])
    assert same["same_files"] == len(names(store, ".sst")) and not same["added"] + same["removed"]


if __name__ == "__main__": globals()[sys.argv[2]](*sys.argv[3:])
