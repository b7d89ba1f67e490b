#!/bin/sh
echo "missing packages: install liburing-dev libzstd-dev liblz4-dev libxxhash-dev libmicrohttpd-dev libssl-dev libcmocka-dev pkg-config gcc make"; exit 1
