"""Find phrases in images, and more; the same as the command ``medglip`` of an installed package.

Example:
    python tools/medglip.py predict configs/medglip/ct.py scan.dcm -p 'Detect: liver, spleen'
    python tools/medglip.py lint-prompt 'liver, no cyst, polyp' --modality ct
    python tools/medglip.py list-labels --modality ct --region abdomen --level class
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmdet_medglip.cli.main import main

if __name__ == '__main__':
    sys.exit(main())
