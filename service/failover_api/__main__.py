"""python -m failover_api"""

from failover_api.edges.cli.main import main

if __name__ == "__main__":
    main()
