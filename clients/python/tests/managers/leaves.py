import sys

sys.exit("leaves")
